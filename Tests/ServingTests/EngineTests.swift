import Images
import Observability
import Segmentation
import Serving
import Testing

@Suite(.timeLimit(.minutes(1))) struct EngineTests {
    @Test func fiftyParallelClientsGetTheirOwnAnswers() async throws {
        let backend = GatedBackend()
        let (engine, metrics) = await engine(backend)
        let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for number in 0..<50 {
                group.addTask {
                    let phrase = String(repeating: "x", count: number + 1)
                    let served = try await engine.submit(job(phrase))
                    #expect(served.result.expressions[0].expression == phrase)
                    return (number, served.result.expressions[0].masks[0].mask.area)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }

        for number in 0..<50 { #expect(answers[number] == area(atLeast: number + 1)) }
        #expect(metrics.queueDepth.value() == 0)
        #expect(metrics.inFlight.value() == 0)
        #expect(metrics.expressions.value(["segmented"]) == 50)
        #expect(metrics.queueWait.count() == 50)
        #expect(await engine.drain() == 0)
    }

    @Test func aBusyEngineFormsBatchesOfOnePictureFirst() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend)
        async let first = engine.submit(job("first", picture: "a"))
        try await until { backend.batches.count == 1 }
        var later: [Task<ServedResult, any Error>] = []
        for (index, (phrase, picture)) in [("second", "b"), ("third", "c"), ("fourth", "b")].enumerated() {
            later.append(Task { try await engine.submit(job(phrase, picture: picture)) })
            try await until { metrics.queueDepth.value() == Double(index + 1) }
        }
        #expect(metrics.inFlight.value() == 1)
        backend.open(2)
        #expect(try await first.batchSize == 1)
        for task in later { #expect(try await task.value.batchSize == 3) }
        #expect(backend.batches == [["first"], ["second", "fourth", "third"]])
        await engine.drain()
    }

    /// A window so long that only what comes can end it.
    private static let patient = {
        var policy = BatchPolicy()
        policy.windowShare = 1e9
        policy.longestWindow = .seconds(50)
        return policy
    }()

    @Test func aRequestWaitsForOneThatIsBeingDecoded() async throws {
        let backend = GatedBackend()
        let (engine, _) = await engine(backend, policy: Self.patient)
        // Alone, and the model's speed isn't known before it.
        #expect(try await engine.submit(job("first")).batchSize == 1)
        let admission = try engine.admit()
        let early = Task { try await engine.submit(job("early", picture: "a")) }
        try await until { engine.status.waiting == 2 }
        #expect(try await engine.submit(job("late", picture: "b"), admission).batchSize == 2)
        #expect(try await early.value.batchSize == 2)
        // Nobody else is on the way: the window has no say.
        #expect(try await engine.submit(job("last")).batchSize == 1)
        await engine.drain()
    }

    @Test func aRequestDoesNotWaitForOneThatWasGivenUp() async throws {
        let backend = GatedBackend()
        let (engine, _) = await engine(backend, policy: Self.patient)
        _ = try await engine.submit(job("first"))
        var admission: Admission? = try engine.admit()
        let waiting = Task { try await engine.submit(job("waiting")) }
        try await until { engine.status.waiting == 2 }
        #expect(backend.batches.count == 1)
        admission = nil
        #expect(admission == nil)
        #expect(try await waiting.value.batchSize == 1)
        await engine.drain()
    }

    @Test func aFullQueueRefusesAtOnceAndRecovers() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend, capacity: 2)
        let running = Task { try await engine.submit(job("running")) }
        try await until { backend.batches.count == 1 }
        let waiting = Task { try await engine.submit(job("waiting")) }
        try await until { metrics.queueDepth.value() == 1 }
        let admission = try engine.admit()
        #expect(metrics.queueDepth.value() == 2)
        #expect(await failure { try await engine.submit(job("too many")) } == "full 2/2")
        #expect((1...60).contains(retryAfter(engine)))
        #expect(metrics.shed.value(["queue_full"]) == 2)
        backend.open(3)
        _ = try await (running.value, waiting.value)
        #expect(try await engine.submit(job("admitted"), admission).batchSize == 1)
        await engine.drain()
        #expect(backend.batches.flatMap { $0 } == ["running", "waiting", "admitted"])
    }

    @Test func anUnusedAdmissionGivesItsPlaceBack() async throws {
        let (engine, metrics) = await engine(GatedBackend(), capacity: 1)
        do {
            let admission = try engine.admit()
            #expect(metrics.queueDepth.value() == 1)
            _ = consume admission
        }
        #expect(metrics.queueDepth.value() == 0)
        _ = try engine.admit()
        await engine.drain()
    }

    @Test func cancelledWhileWaitingIsNeverComputed() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend)
        let running = Task { try await engine.submit(job("running")) }
        try await until { backend.batches.count == 1 }
        let leaving = Task { () -> String in await failure { try await engine.submit(job("leaving")) } }
        try await until { metrics.queueDepth.value() == 1 }
        leaving.cancel()
        #expect(await leaving.value == "cancelled in queue")
        #expect(metrics.queueDepth.value() == 0)
        backend.open(2)
        _ = try await running.value
        await engine.drain()
        #expect(backend.batches == [["running"]])
        #expect(metrics.cancelled.value(["queue"]) == 1)
    }

    @Test func cancelledBeforeSubmittingIsNeverComputed() async throws {
        let backend = GatedBackend()
        let (engine, _) = await engine(backend)
        let task = Task { () -> String in
            while !Task.isCancelled { await Task.yield() }
            return await failure { try await engine.submit(job("late")) }
        }
        task.cancel()
        #expect(await task.value == "cancelled in queue")
        await engine.drain()
    }

    @Test func cancelledWhileRunningStopsAtTheNextStage() async throws {
        let backend = GatedBackend(gated: true, stages: 3)
        let (engine, metrics) = await engine(backend)
        let leaving = Task { () -> String in await failure { try await engine.submit(job("leaving")) } }
        try await until { metrics.inFlight.value() == 1 }
        leaving.cancel()
        // Answered before the model has moved on.
        #expect(await leaving.value == "cancelled in compute")
        #expect(metrics.inFlight.value() == 0)
        backend.open(6)
        #expect(try await engine.submit(job("next")).batchSize == 1)
        #expect(metrics.cancelled.value(["compute"]) == 1)
        await engine.drain()
    }

    @Test func deadlinesPassInTheQueueAndInCompute() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend)
        let running = Task { () -> String in
            await failure { try await engine.submit(job("running", deadline: .milliseconds(60))) }
        }
        try await until { backend.batches.count == 1 }
        let waiting = Task { () -> String in
            await failure { try await engine.submit(job("waiting", deadline: .milliseconds(20))) }
        }
        #expect(await waiting.value == "deadline in queue")
        #expect(await running.value == "deadline in compute")
        #expect(metrics.shed.value(["deadline"]) == 2)
        backend.open(1)
        await engine.drain()
        #expect(backend.batches == [["running"]])
    }

    @Test func oneBrokenRequestDoesNotSpoilItsBatch() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend)
        let first = Task { try await engine.submit(job("first")) }
        try await until { backend.batches.count == 1 }
        let good = Task { try await engine.submit(job("good")) }
        let bad = Task { () -> String in await failure { try await engine.submit(job("break")) } }
        try await until { metrics.queueDepth.value() == 2 }
        backend.open(2)
        _ = try await first.value
        #expect(try await good.value.batchSize == 2)
        #expect(await bad.value == "failed: Broken()")
        #expect(metrics.expressions.value(["failed"]) == 1)
        await engine.drain()
    }

    @Test func waitsBatchesStagesAndCacheAreCounted() async throws {
        let registry = MetricsRegistry()
        let engine = Engine(metrics: ServingMetrics(registry))
        engine.start(loading: { GatedBackend() })
        #expect(await engine.waitUntilLoaded())
        for phrase in ["first", "again", "again"] { _ = try await engine.submit(job(phrase)) }
        await engine.drain()
        let page = registry.render()
        for line in [
            "mllmseg_image_cache_hits_total 2", "mllmseg_image_cache_misses_total 1",
            "mllmseg_queue_wait_seconds_count 3", "mllmseg_batch_size_count 3", "mllmseg_batch_size_sum 3",
            "mllmseg_stage_duration_seconds_count{stage=\"vision\"} 3",
            "mllmseg_stage_duration_seconds_sum{stage=\"vision\"} 1.5",
        ] { #expect(page.split(separator: "\n").contains { $0 == line }, "\(line)") }
    }

    @Test func picturesOfWaitingRequestsAreBounded() async throws {
        let backend = GatedBackend(gated: true)
        // The test's picture has 192 bytes: two different ones fit.
        let (engine, metrics) = await engine(backend, pictureBytes: 2 * 192)
        let running = Task { try await engine.submit(job("1", picture: "a")) }
        try await until { backend.batches.count == 1 }
        let second = Task { try await engine.submit(job("2", picture: "b")) }
        let again = Task { try await engine.submit(job("3", picture: "b")) }
        try await until { metrics.queueDepth.value() == 2 }
        #expect(await failure { try await engine.submit(job("4", picture: "c")) } == "pictures 384/384")
        #expect(metrics.shed.value(["picture_memory"]) == 1)
        backend.open(2)
        _ = try await (running.value, second.value, again.value)
        await engine.drain()
    }

    /// What a refused client is told to wait, in seconds.
    private func retryAfter(_ engine: Engine) -> Double {
        do throws(ServingError) {
            _ = try engine.admit()
        } catch {
            if case .queueFull(_, _, let retryAfter) = error { return retryAfter }
        }
        return .nan
    }
}
