import Observability
import Segmentation
import Serving
import Synchronization
import Testing
import Dispatch

@Suite(.timeLimit(.minutes(1))) struct EngineLifeTests {
    @Test func notReadyWhileLoading() async throws {
        let metrics = ServingMetrics(MetricsRegistry())
        let engine = Engine(metrics: metrics)
        #expect(engine.status.phase == .loading)
        let loaded = DispatchSemaphore(value: 0)
        engine.start(loading: {
            loaded.wait()
            return GatedBackend()
        })
        #expect(await failure { try await engine.submit(job("early")) } == "not ready: loading")
        #expect(metrics.modelReady.value() == 0)
        #expect(engine.model == nil)
        loaded.signal()
        #expect(await engine.waitUntilLoaded())
        #expect(metrics.modelReady.value() == 1)
        #expect(engine.model?.name == "gated")
        _ = try await engine.submit(job("now"))
        await engine.drain()
    }

    @Test func aModelThatDoesNotLoadIsReported() async {
        let engine = Engine(metrics: ServingMetrics(MetricsRegistry()))
        let reported = Mutex("")
        engine.start(
            loading: { throw GatedBackend.Broken() },
            failed: { error in reported.withLock { $0 = "\(error)" } })
        #expect(await engine.waitUntilLoaded() == false)
        #expect(engine.status.phase == .failed)
        #expect(await failure { try await engine.submit(job("x")) } == "not ready: failed")
        #expect(await engine.drain() == 0)
        while reported.withLock({ $0.isEmpty }) { await Task.yield() }
        #expect(reported.withLock { $0 } == "Broken()")
    }

    @Test func warmUpComputesOnePicture() async {
        let backend = GatedBackend()
        var configuration = EngineConfiguration()
        configuration.warmUp = true
        let engine = Engine(configuration: configuration, metrics: ServingMetrics(MetricsRegistry()))
        engine.start(loading: { backend })
        #expect(await engine.waitUntilLoaded())
        #expect(backend.batches.count == 1)
        await engine.drain()
    }

    @Test func drainingFinishesWhatWasAccepted() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, metrics) = await engine(backend)
        let running = Task { try await engine.submit(job("running")) }
        try await until { backend.batches.count == 1 }
        let waiting = Task { try await engine.submit(job("waiting")) }
        try await until { metrics.queueDepth.value() == 1 }
        let admission = try engine.admit()
        let drained = Task { await engine.drain() }
        try await until { engine.status.phase == .draining }
        #expect(metrics.modelReady.value() == 0)
        #expect(await failure { try await engine.submit(job("late")) } == "not ready: draining")
        let admitted = Task { try await engine.submit(job("admitted"), admission) }
        backend.open(3)
        _ = try await (running.value, waiting.value, admitted.value)
        #expect(await drained.value == 0)
        try await until { engine.status.phase == .stopped }
    }

    @Test func drainingGivesUpAfterItsTimeout() async throws {
        let backend = GatedBackend(gated: true)
        let (engine, _) = await engine(backend)
        let running = Task { () -> String in await failure { try await engine.submit(job("stuck")) } }
        try await until { backend.batches.count == 1 }
        #expect(await engine.drain(within: .milliseconds(30)) == 1)
        #expect(await running.value == "not ready: draining")
        backend.open()
        try await until { engine.status.phase == .stopped }
    }

    @Test func anAdmissionThatLapsesEndsTheDrain() async throws {
        let (engine, _) = await engine(GatedBackend())
        let drained = Task { [engine] in
            let admission = try engine.admit()
            async let count = engine.drain()
            try await until { engine.status.phase == .draining }
            _ = consume admission
            return await count
        }
        #expect(try await drained.value == 0)
        try await until { engine.status.phase == .stopped }
    }

    @Test func drainingWhileLoadingStopsTheThread() async throws {
        let engine = Engine(metrics: ServingMetrics(MetricsRegistry()))
        let loaded = DispatchSemaphore(value: 0)
        engine.start(loading: {
            loaded.wait()
            return GatedBackend()
        })
        #expect(await engine.drain() == 0)
        loaded.signal()
        #expect(await engine.waitUntilLoaded() == false)
        try await until { engine.status.phase == .stopped }
    }
}
