import Dispatch
import Glibc
import Observability
import Testing

@Suite(.timeLimit(.minutes(1))) struct LogWriterTests {
    /// A pipe whose reading end nobody reads until asked.
    private func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func readAll(_ descriptor: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }

    @Test func linesComeWholeAndInOrder() throws {
        let (reading, writing) = try pipe()
        let writer = LogWriter(descriptor: writing)
        let lines = (0..<100).map { "line \($0)\n" }
        for line in lines { writer.write(Array(line.utf8)) }
        writer.flush(within: .seconds(5))
        close(writing)
        #expect(readAll(reading) == lines.joined())
        close(reading)
    }

    /// The pipe takes 64 KiB, the writer 10 KB more: the rest is lost, nobody waits, and it is said.
    @Test func aReaderThatSleepsStopsNobody() throws {
        let (reading, writing) = try pipe()
        let writer = LogWriter(descriptor: writing, capacity: 10_000)
        let line = [UInt8](repeating: 0x61, count: 999) + [0x0A]
        let start = ContinuousClock.now
        for _ in 0..<1000 {
            writer.write(line)
            // Time for the thread that writes to fill the pipe.
            usleep(100)
        }
        #expect(ContinuousClock.now - start < .seconds(10))
        // The descriptor for writing closes once all is written, so that the reader sees an end.
        DispatchQueue.global().async {
            writer.flush(within: .seconds(10))
            close(writing)
        }
        let text = readAll(reading)
        #expect(text.contains("log lines lost"))
        #expect(text.utf8.count > 65_000 && text.utf8.count < 200_000)
        close(reading)
    }
}
