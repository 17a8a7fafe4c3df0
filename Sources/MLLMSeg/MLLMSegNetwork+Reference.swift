import NeuralNetwork
import Segmentation
import Tensors

extension MLLMSegNetwork {
    /// Numbers of one whole prompt, computed the plain way: one sequence, no cache, every row.
    package struct PlainRun {
        package var maps: [[Float]]
        package var logits: [Float]
        package var decisions: [Int32]
    }

    /// Runs a full prompt (answer included) in one pass, as the authors' code does, so that every stage can be
    /// held against reference numbers and the cached path against this one.
    package func runForTests(
        pixels: [UInt8], ids: [Int32], imageToken: Int32, segment: Int32, markers: [Int],
        in context: ComputeContext
    ) throws -> PlainRun {
        try context.workspace.scope {
            let detail = context.workspace.matrix(vision.grid * vision.grid, vision.width)
            try vision.features(of: pixels, into: detail, in: context)
            let x = context.workspace.matrix(ids.count, language.width)
            language.embed(ids, into: x)
            let first = ids.firstIndex(of: imageToken) ?? 0
            let count = configuration.imageTokens
            projector.apply(detail, into: x.rows(first..<first + count), in: context)
            let sequence = LanguageModel.Sequence(
                rows: 0..<ids.count, context: [], wanted: [0..<ids.count])
            let hidden = try language.forward(x, [sequence], stage: "full", in: context)
            let prepared = context.workspace.matrix(detail.rows, detail.columns)
            decoder.prepare(
                detail: detail, semantics: hidden.rows(first - 1..<first - 1 + count), into: prepared,
                in: context)
            let readings = context.workspace.matrix(markers.count, language.width)
            for (row, marker) in markers.enumerated() {
                readings.row(row).update(from: hidden.row(marker - 1), count: language.width)
            }
            let logits = language.logits(readings, in: context)
            let answer = PhraseReadings(hidden: readings, logits: logits)
            let maps = markers.indices.filter { ids[markers[$0]] == segment }.map { row in
                let map = context.workspace.matrix(decoder.side, decoder.side)
                decoder.decode(
                    segment: readings.rows(row..<row + 1), prepared: prepared, into: map, in: context)
                return map.values
            }
            return PlainRun(
                maps: maps, logits: logits.values, decisions: markers.indices.map { answer.decision($0) })
        }
    }

    /// The mask of a map at a picture's size, 0 and 1.
    package func resizeForTests(
        _ map: [Float], width: Int, height: Int, in context: ComputeContext
    ) -> [UInt8] {
        let matrix = Matrix(rows: decoder.side, columns: decoder.side, map)
        return MaskResizer.mask(from: matrix, width: width, height: height, threshold: 0.5, in: context)
            .mask.pixels
    }
}

extension MLLMSegModel {
    /// Multiply-adds of all products so far.
    package var multiplyAddsForTests: Int {
        lanes.reduce(context.multiplyAdds) { $0 + $1.multiplyAdds }
    }

    /// The whole prompt of these phrases up to the last marker, picture tokens included.
    package func promptForTests(_ expressions: [String]) -> [Int32] {
        let image = prompt.imageToken
        let count = network.configuration.imageTokens
        return prompt.beforeImage + Array(repeating: image, count: count) + prompt.afterImage
            + prompt.phrases(expressions).ids
    }
}
