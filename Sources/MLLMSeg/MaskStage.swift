import Segmentation
import Tensors

extension MLLMSegModel {
    /// As many masks at once as there are threads, each on a thread of its own, because one mask of a small model is
    /// too little work to share; what is left over is decoded by all threads together.
    func decode(_ wanted: [BatchRun.WantedMask], in run: inout BatchRun, _ isCancelled: (Int) -> Bool) {
        for start in stride(from: 0, to: wanted.count, by: lanes.count) {
            let group = wanted[start..<min(start + lanes.count, wanted.count)].filter { mask in
                // Left unanswered: that is what a cancelled request is.
                if isCancelled(mask.request) { run.answers[mask.request][mask.expression] = nil }
                return run.answers[mask.request][mask.expression] != nil
            }
            let isWhole = lanes.count > 1 && group.count == lanes.count && context.observer == nil
            var masks: [(ScoredMask, StageClock)?] = group.map { _ in nil }
            let requests = run.requests
            let pictures = run.pictures
            func decode(_ item: Int, in context: ComputeContext) -> (ScoredMask, StageClock)? {
                guard var picture = pictures[group[item].request] else { return nil }
                picture.clock = StageClock()
                let mask = mask(group[item].segment, requests[group[item].request], &picture, in: context)
                return (mask, picture.clock)
            }
            if isWhole {
                masks.withUnsafeMutableBufferPointer { masks in
                    let slots = BatchRun.MaskSlots(base: masks.baseAddress)
                    context.team.forEach(group.count) { item, worker in
                        slots.base?[item] = decode(item, in: lanes[worker])
                    }
                }
            } else {
                for item in group.indices { masks[item] = decode(item, in: context) }
            }
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
