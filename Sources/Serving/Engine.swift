import Dispatch
import Segmentation
import Synchronization

/// Owner of the one inference thread and of the queue in front of it: admit, wait, batch, compute, answer.
///
/// A client that leaves costs nothing more than the stage that is running: waiting work is dropped, running
/// work is told through `isCancelled`. After `start`, call `drain` to let the thread end.
public final class Engine: Sendable {
    public let configuration: EngineConfiguration
    public let metrics: ServingMetrics
    let state = Mutex(EngineState())
    /// Signalled when there may be something to do for the thread.
    let wake = DispatchSemaphore(value: 0)

    public init(configuration: EngineConfiguration = EngineConfiguration(), metrics: ServingMetrics) {
        precondition(configuration.queueCapacity > 0, "a queue has room for one request at least")
        self.configuration = configuration
        self.metrics = metrics
        metrics.queueCapacity.set(Double(configuration.queueCapacity))
    }

    public var status: EngineStatus {
        state.withLock { state in
            EngineStatus(
                phase: state.phase, waiting: state.depth, running: state.running.count,
                capacity: configuration.queueCapacity, serviceTime: state.serviceTime)
        }
    }

    /// The model, once it is loaded.
    public var model: ModelDescription? { state.withLock { $0.model } }

    /// Why `admit` would refuse at this moment, or nil: asked before a body is read.
    public var refusal: ServingError? {
        let refusal = state.withLock { refused(in: $0) }
        if let refusal { metrics.countRefusal(refusal) }
        return refusal
    }

    /// Takes a place in the queue, or says why there is none. The answer is immediate.
    public func admit() throws(ServingError) -> Admission {
        let refusal: ServingError? = state.withLock { state in
            if let refusal = refused(in: state) { return refusal }
            state.reserved += 1
            publishDepths(state)
            return nil
        }
        if let refusal {
            metrics.countRefusal(refusal)
            throw refusal
        }
        return Admission(engine: self, instant: .now)
    }

    private func refused(in state: EngineState) -> ServingError? {
        guard state.phase == .ready else { return .notReady(state.phase) }
        guard state.depth >= configuration.queueCapacity else { return nil }
        return .queueFull(
            waiting: state.depth, capacity: configuration.queueCapacity, retryAfter: state.backlogSeconds)
    }

    /// A place for the next part of a request that was admitted before and has just left the queue. It is
    /// never refused: each such request waits with one part at a time.
    public func readmit() -> Admission {
        state.withLock { state in
            state.reserved += 1
            publishDepths(state)
        }
        return Admission(engine: self, instant: .now)
    }

    /// Waits for the model's answer. Cancelling the task takes the job back.
    public func submit(_ job: InferenceJob, _ admission: Admission) async throws(ServingError) -> ServedResult
    {
        precondition(admission.use(), "an admission is for one job")
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let timer = deadlineTimer(job.deadline, id: id, admitted: admission.instant)
        defer { timer?.cancel() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(.init(id: id, job: job, admitted: admission.instant, continuation: continuation))
                // A cancellation that came since `enqueue` looked for it found nothing to take back.
                if Task.isCancelled { abandon(id) { .cancelled($0) } }
            }
        } onCancel: {
            abandon(id) { .cancelled($0) }
        }
        return try outcome.get()
    }

    /// `admit` and `submit` in one.
    public func submit(_ job: InferenceJob) async throws(ServingError) -> ServedResult {
        try await submit(job, try admit())
    }

    private func enqueue(_ accepted: EngineState.Accepted) {
        let job = accepted.job
        let refusal: ServingError? = state.withLock { state in
            state.reserved -= 1
            // Its client left before it got here: not worth a place in a batch.
            guard !Task.isCancelled else {
                publishDepths(state)
                return .cancelled(.queue)
            }
            // Nobody would answer any more: a further part that came after the drain.
            guard state.phase != .stopped else {
                publishDepths(state)
                return .notReady(.stopped)
            }
            let others = state.pictureBytes(besides: job.pictureKey)
            let limit = configuration.pictureBytes
            guard others == 0 || others + job.request.image.pixels.count <= limit else {
                publishDepths(state)
                return .picturesTooLarge(bytes: others, limit: limit, retryAfter: state.backlogSeconds)
            }
            state.waiting.append(accepted)
            publishDepths(state)
            return nil
        }
        wake.signal()
        if let refusal {
            metrics.countRefusal(refusal)
            accepted.continuation.resume(returning: .failure(refusal))
            resumeDrained()
        }
    }

    private func deadlineTimer(
        _ deadline: ContinuousClock.Instant?, id: UInt64, admitted: ContinuousClock.Instant
    ) -> Task<Void, Never>? {
        guard let deadline else { return nil }
        return Task {
            // Thrown only when the answer came first.
            guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
            abandon(id) { .deadlinePassed($0, after: (deadline - admitted).seconds) }
        }
    }

    /// Answers job `id` with an error if it has none yet, and stops its computation at the next stage.
    func abandon(_ id: UInt64, with error: (WorkPhase) -> ServingError) {
        let found: (EngineState.Accepted, WorkPhase)? = state.withLock { state in
            defer { publishDepths(state) }
            if let index = state.waiting.firstIndex(where: { $0.id == id }) {
                return (state.waiting.remove(at: index), .queue)
            }
            return state.running.removeValue(forKey: id).map { ($0, .compute) }
        }
        guard let (accepted, phase) = found else { return }
        answer(accepted, .failure(error(phase)))
        wake.signal()
    }

    func giveBack() {
        state.withLock { state in
            state.reserved -= 1
            publishDepths(state)
        }
        wake.signal()
        resumeDrained()
    }

    /// Resumes the waiter. Called without the lock, once for each accepted job.
    func answer(_ accepted: EngineState.Accepted, _ outcome: ServedOutcome) {
        metrics.countOutcome(outcome, expressions: accepted.job.request.expressions.count)
        accepted.continuation.resume(returning: outcome)
        resumeDrained()
    }

    /// Called under the lock, so that the gauges never show an order of events that didn't happen.
    func publishDepths(_ state: EngineState) {
        metrics.queueDepth.set(Double(state.depth))
        metrics.inFlight.set(Double(state.running.count))
    }
}

extension Duration {
    /// The whole duration in seconds.
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
