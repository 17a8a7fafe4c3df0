import Dispatch
import Images
import Segmentation
import Threads

extension Engine {
    /// Starts the inference thread, which first loads the model and then serves until `drain`. `failed` is
    /// called on that thread when loading throws; the engine is then in phase `.failed` for good.
    public func start(
        loading: @escaping @Sendable () throws -> any SegmentationBackend,
        failed: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        let status = DetachedThread.start { [self] in
            do {
                serve(with: try loading())
            } catch {
                finishLoading(phase: .failed)
                failed(error)
            }
        }
        if status != 0 {
            finishLoading(phase: .failed)
            failed(ThreadStartError(errorNumber: status))
        }
    }

    /// True when the engine is ready, false when loading failed or the engine was drained before.
    public func waitUntilLoaded() async -> Bool {
        await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock { state in
                switch state.phase {
                case .ready: return true
                case .failed, .stopped, .draining: return false
                case .loading, .warmingUp:
                    state.loaded.append(continuation)
                    return nil
                }
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func serve(with backend: any SegmentationBackend) {
        let description = backend.model
        let wanted = state.withLock { state in
            state.model = description
            guard state.phase == .loading else { return false }
            state.phase = .warmingUp
            return true
        }
        guard wanted else { return finishLoading(phase: .stopped) }
        if configuration.warmUp { warmUp(backend) }
        finishLoading(phase: .ready)
        while let batch = nextBatch() { compute(batch, with: backend) }
    }

    private func finishLoading(phase: EnginePhase) {
        let waiters = state.withLock { state in
            // A drain that came meanwhile wins over readiness.
            state.phase = state.phase == .draining && phase == .ready ? .draining : phase
            metrics.modelReady.set(state.phase == .ready ? 1 : 0)
            defer { state.loaded = [] }
            return state.loaded
        }
        for waiter in waiters { waiter.resume(returning: phase == .ready) }
    }

    /// A grey picture and a phrase; what comes out doesn't matter.
    private func warmUp(_ backend: any SegmentationBackend) {
        let grey = RGBImage(width: 64, height: 64, pixels: [UInt8](repeating: 128, count: 64 * 64 * 3))
        let request = SegmentationRequest(image: grey, expressions: ["the object"])
        _ = backend.segment([request]) { [self] _ in state.withLock { $0.phase == .draining } }
    }

    /// Blocks until there is work; nil when the engine has been drained.
    private func nextBatch() -> [EngineState.Accepted]? {
        while true {
            let now = ContinuousClock.now
            let (taken, finished) = state.withLock { state in
                let taken = takeBatch(from: &state, now: now)
                let finished = state.phase == .draining && state.isIdle
                if finished { state.phase = .stopped }
                return (taken, finished)
            }
            for accepted in taken.expired {
                let waited = (now - accepted.admitted).seconds
                answer(accepted, .failure(.deadlinePassed(.queue, after: waited)))
            }
            if finished { return nil }
            if !taken.batch.isEmpty { return taken.batch }
            if let end = taken.windowEnd {
                // Whatever comes meanwhile wakes it sooner.
                _ = wake.wait(timeout: .now() + (end - now).seconds)
            } else {
                wake.wait()
            }
        }
    }

    private struct TakenBatch {
        var batch: [EngineState.Accepted]
        var expired: [EngineState.Accepted]
        var windowEnd: ContinuousClock.Instant?
    }

    private func takeBatch(from state: inout EngineState, now: ContinuousClock.Instant) -> TakenBatch {
        let entries = state.waiting.map { accepted in
            BatchPolicy.Entry(
                id: accepted.id, pictureKey: accepted.job.pictureKey,
                expressions: accepted.job.request.expressions.count, enqueued: accepted.admitted,
                ready: accepted.submitted, deadline: accepted.job.deadline)
        }
        let load = BatchPolicy.Load(arriving: state.reserved, serviceTime: state.serviceTime)
        let plan = configuration.policy.plan(entries, load: load, now: now)
        func accepted(_ id: UInt64) -> EngineState.Accepted? { state.waiting.first { $0.id == id } }
        let batch = plan.batch.compactMap(accepted)
        let expired = plan.expired.compactMap(accepted)
        let leaving = Set(plan.batch + plan.expired)
        state.waiting.removeAll { leaving.contains($0.id) }
        for accepted in batch { state.running[accepted.id] = accepted }
        publishDepths(state)
        return TakenBatch(batch: batch, expired: expired, windowEnd: plan.windowEnd)
    }

    private func compute(_ batch: [EngineState.Accepted], with backend: any SegmentationBackend) {
        let start = ContinuousClock.now
        for accepted in batch { metrics.queueWait.observe((start - accepted.admitted).seconds) }
        metrics.batchSize.observe(Double(batch.count))
        let results = backend.segment(batch.map(\.job.request)) { [self] index in isOver(batch[index]) }
        let compute = (ContinuousClock.now - start).seconds
        publish(backend.imageCache, serviceTime: compute / Double(batch.count))
        for (index, accepted) in batch.enumerated() {
            let result = index < results.count ? results[index] : .failure(MissingResult())
            finish(
                accepted,
                result.map { result in
                    ServedResult(
                        result: result, queueWait: (start - accepted.admitted).seconds, compute: compute,
                        batchSize: batch.count)
                })
        }
    }

    /// Nobody waits for this request any more.
    private func isOver(_ accepted: EngineState.Accepted) -> Bool {
        if let deadline = accepted.job.deadline, deadline <= .now { return true }
        return state.withLock { $0.running[accepted.id] == nil }
    }

    private func finish(_ accepted: EngineState.Accepted, _ result: Result<ServedResult, any Error>) {
        let awaited = state.withLock { state in
            defer { publishDepths(state) }
            return state.running.removeValue(forKey: accepted.id) != nil
        }
        guard awaited else { return }
        let outcome = result.mapError { error -> ServingError in
            guard error is CancellationError else { return .backendFailed(error) }
            // Not abandoned by its client, so the deadline is what stopped it.
            return .deadlinePassed(.compute, after: (ContinuousClock.now - accepted.admitted).seconds)
        }
        answer(accepted, outcome)
    }

    private func publish(_ cache: ImageCacheStatistics, serviceTime: Double) {
        metrics.imageCacheBytes.set(Double(cache.bytes))
        metrics.imageCacheEvictions.set(total: Double(cache.evictions))
        state.withLock { $0.record(serviceTime: serviceTime) }
    }
}

/// The system gave no thread; `errorNumber` is pthread_create's answer.
public struct ThreadStartError: Error, Sendable {
    public let errorNumber: Int32
}

/// A backend answered fewer requests than it was given.
struct MissingResult: Error {}
