import Segmentation
import Tensors

extension MLLMSegModel {
    /// As many masks at once as there are threads, each on a thread of its own, because one mask of a small model is
    /// too little work to share; what is left over is decoded by all threads together.
    func decode(_ wanted: [BatchRun.WantedMask], in run: inout BatchRun, _ isCancelled: (Int) -> Bool) {
        let width = max(1, run.lanes.count)
        for start in stride(from: 0, to: wanted.count, by: width) {
            let group = wanted[start..<min(start + width, wanted.count)].filter { mask in
                // Left unanswered: that is what a cancelled request is.
                if isCancelled(mask.request) { run.answers[mask.request][mask.expression] = nil }
                return run.answers[mask.request][mask.expression] != nil
            }
            let (requests, pictures, context) = (run.requests, run.pictures, run.context)
            func decode(_ item: Int, in context: ComputeContext) -> (ScoredMask, StageClock)? {
                guard var picture = pictures[group[item].request] else { return nil }
                picture.clock = StageClock()
                let mask = mask(group[item].segment, requests[group[item].request], &picture, in: context)
                return (mask, picture.clock)
            }
            let lanes = run.lanes
            let isWhole = lanes.count > 1 && group.count == lanes.count && context.observer == nil
            let masks =
                isWhole
                ? context.team.map(group.count) { item, worker in decode(item, in: lanes[worker]) }
                : group.indices.map { decode($0, in: context) }
            for (place, decoded) in zip(group, masks) {
                guard let (mask, clock) = decoded else { continue }
                run.answers[place.request][place.expression]?.masks = [mask]
                run.pictures[place.request]?.clock.add(clock.timings.mask, to: \.mask)
            }
        }
    }

    /// The mask of one [SEG] hidden state `[1, t]`, at the picture's own size.
    func mask(
        _ segment: Matrix, _ request: SegmentationRequest, _ picture: inout Picture,
        in context: ComputeContext
    ) -> ScoredMask {
        picture.clock.measure(\.mask) {
            context.workspace.scope {
                let map = context.workspace.matrix(network.decoder.side, network.decoder.side)
                network.decoder.decode(
                    segment: segment, prepared: picture.prefix.prepared, into: map, in: context)
                return MaskResizer.mask(
                    from: map, width: request.image.width, height: request.image.height,
                    threshold: request.threshold, in: context)
            }
        }
    }
}
