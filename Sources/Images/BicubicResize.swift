import CImageKernels

extension RGBImage {
    /// The picture at another size, equal in every bit to `Image.resize(size, Image.BICUBIC)` of Pillow 11.3:
    /// horizontal pass first, rounded to 8 bits between the passes, an axis that keeps its size untouched.
    public func resizedBicubic(width newWidth: Int, height newHeight: Int) -> RGBImage {
        precondition(newWidth > 0 && newHeight > 0, "a picture has at least one pixel")
        let narrowed = newWidth == width ? pixels : resizedHorizontally(to: newWidth)
        guard newHeight != height else {
            return RGBImage(width: newWidth, height: newHeight, pixels: narrowed)
        }
        let resized = Self.resizeVertically(narrowed, rowBytes: newWidth * 3, from: height, to: newHeight)
        return RGBImage(width: newWidth, height: newHeight, pixels: resized)
    }

    private func resizedHorizontally(to newWidth: Int) -> [UInt8] {
        BicubicTaps(from: width, to: newWidth).withKernelTaps { taps in
            [UInt8](unsafeUninitializedCapacity: height * newWidth * 3) { output, count in
                mllmseg_resize_horizontal(pixels, height, width, taps, newWidth, output.baseAddress)
                count = height * newWidth * 3
            }
        }
    }

    private static func resizeVertically(
        _ rows: [UInt8], rowBytes: Int, from height: Int, to newHeight: Int
    ) -> [UInt8] {
        BicubicTaps(from: height, to: newHeight).withKernelTaps { taps in
            [UInt8](unsafeUninitializedCapacity: newHeight * rowBytes) { output, count in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowBytes) { sums in
                    mllmseg_resize_vertical(
                        rows, rowBytes, taps, newHeight, sums.baseAddress, output.baseAddress)
                }
                count = newHeight * rowBytes
            }
        }
    }
}

extension BicubicTaps {
    fileprivate func withKernelTaps<Result>(_ body: (mllmseg_taps) -> Result) -> Result {
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    body(
                        mllmseg_taps(
                            starts: starts.baseAddress, counts: counts.baseAddress,
                            weights: weights.baseAddress,
                            stride: stride))
                }
            }
        }
    }
}
