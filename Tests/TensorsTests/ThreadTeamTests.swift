import Foundation
import Synchronization
import Tensors
import Testing

@Suite(.serialized, .timeLimit(.minutes(1))) struct ThreadTeamTests {
    /// Short loops one after the other, with pauses in which the members fall asleep.
    @Test(arguments: [1, 2, 5]) func everyItemRunsOnce(threads: Int) {
        let team = ThreadTeam(threads: threads)
        for loop in 0..<5_000 {
            let items = loop % 9
            let runs = (0..<items).map { _ in Counter() }
            team.forEach(items) { item, worker in
                #expect((0..<threads).contains(worker))
                runs[item].value.wrappingAdd(1, ordering: .relaxed)
            }
            #expect(runs.allSatisfy { $0.value.load(ordering: .relaxed) == 1 }, "loop \(loop)")
            if loop % 500 == 0 { usleep(2_000) }
        }
    }

    @Test func aWorkerNumberIsInOneCallAtATime() {
        let team = ThreadTeam(threads: 4)
        let busy = (0..<4).map { _ in Counter() }
        team.forEach(2_000) { _, worker in
            #expect(busy[worker].value.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue == 0)
            busy[worker].value.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
    }

    @Test func resultsKeepTheItemsOrder() {
        let team = ThreadTeam(threads: 3)
        #expect(team.map(100) { item, _ in "\(item)" } == (0..<100).map(String.init))
        #expect(team.map(0) { item, _ in item }.isEmpty)
    }

    @Test func rangesCoverEveryRowOnce() {
        let team = ThreadTeam(threads: 3)
        let seen = Mutex(Set<Int>())
        team.forEachRange(17, minimum: 2) { rows in
            seen.withLock { seen in
                #expect(seen.isDisjoint(with: rows))
                seen.formUnion(rows)
            }
        }
        #expect(seen.withLock { $0 } == Set(0..<17))
    }

    /// Waits for members that are asleep, and for others that still look out for a loop.
    @Test(arguments: [0, 20_000]) func membersEndWithTheirTeam(pause: UInt32) throws {
        func threads() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        }
        let before = try threads()
        do {
            let team = ThreadTeam(threads: 20)
            team.forEach(40) { _, _ in usleep(200) }
            // Threads of tests before may have gone meanwhile, never ten.
            #expect(try threads() >= before + 10)
            usleep(pause)
        }
        for _ in 0..<200 where try threads() > before + 5 { usleep(10_000) }
        // Other threads of the process may have come meanwhile, never nineteen.
        #expect(try threads() <= before + 5)
    }
}

private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}
