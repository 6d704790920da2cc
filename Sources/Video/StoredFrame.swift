/// A decoded and scaled frame that outlives its decoding: upright RGB rows without gaps.
public final class StoredFrame: @unchecked Sendable {  // its pixels are written before anybody has it
    /// In pixels.
    public let width: Int
    public let height: Int
    private let pixels: UnsafeMutablePointer<UInt8>

    public init(_ frame: RGBFrame) {
        (width, height) = (frame.width, frame.height)
        pixels = .allocate(capacity: 3 * width * height)
        frame.copy(to: pixels)
    }

    deinit { pixels.deallocate() }

    /// As `RGBFrame.normalize`.
    public func normalize(
        columns: Range<Int>, rows: Range<Int>, mirrored: Bool, scale: SIMD3<Float>, offset: SIMD3<Float>,
        into out: UnsafeMutableBufferPointer<Float>
    ) {
        withExtendedLifetime(self) {
            RGBFrame(pixels: pixels, width: width, height: height, rowBytes: 3 * width, orientation: .upright)
                .normalize(
                    columns: columns, rows: rows, mirrored: mirrored, scale: scale, offset: offset, into: out)
        }
    }
}
