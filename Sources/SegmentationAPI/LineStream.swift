import HTTP1
import Serving

/// `Accept: application/x-ndjson`: a line for each expression as soon as it is ready. An error after the
/// first line is a line too: a problem document.
struct LineStream: Sendable {
    let work: SegmentationWork
    let pool: DecodePool

    func response(_ admission: Admission) -> HTTPResponse {
        let (lines, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let task = Task {
            do throws(APIError) {
                try await produce(admission) { continuation.yield($0) }
            } catch {
                let problem = Problem(error).json(requestID: work.context.id)
                continuation.yield(problem.encoded() + [UInt8(ascii: "\n")])
            }
            continuation.finish()
        }
        // The client left: stop asking the model.
        continuation.onTermination = { _ in task.cancel() }
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "application/x-ndjson", "X-Image-Digest": work.picture.digest.header,
            ], body: .stream(lines))
    }

    /// Packed expressions see one another in the language model, so they are one piece of work.
    private func produce(_ admission: Admission, _ yield: ([UInt8]) -> Void) async throws(APIError) {
        let expressions = work.query.expressions
        let groups = work.query.mode == .packed ? [expressions] : expressions.map { [$0] }
        var index = 0
        for (number, group) in groups.enumerated() {
            let served = try await work.run(group, number == 0 ? admission : work.engine.readmit())
            for result in served.result.expressions {
                let position = index
                yield(
                    try await pool.run { () throws(APIError) in
                        try AnswerDocument(work: work, served: served).line(index: position, result)
                    })
                index += 1
            }
        }
    }
}
