import CFFmpeg
import Faults

/// Turns decoded frames into RGB of a wanted size, to the same bytes on every processor.
///
/// One context is kept for the last shape seen, because a clip's frames share theirs.
final class FrameScaler {
    private var scaling: ScalingContext?

    deinit {
        if let scaling { ScalingContext.put(scaling) }
    }

    /// Scales `frame` so that it is `width` × `height` as seen in `orientation`, and lends the result to `body`.
    func scale(
        _ frame: UnsafePointer<AVFrame>, name: String, width: Int, height: Int, orientation: Orientation,
        _ body: (RGBFrame) throws -> Void
    ) throws {
        guard width <= Libav.mostPixels / height else {
            throw Fault(.data, name, "its shape would need frames of \(width)x\(height)")
        }
        let (outWidth, outHeight) = orientation.transposed ? (height, width) : (width, height)
        let f = frame.pointee
        let scaling = try context(
            ScalingContext.Shape(
                width: f.width, height: f.height, format: f.format, space: Int32(f.colorspace.rawValue),
                fullRange: f.color_range == AVCOL_RANGE_JPEG, outWidth: Int32(outWidth), outHeight: Int32(outHeight)),
            name)
        let planes = [f.data.0, f.data.1, f.data.2, f.data.3].map { $0.map { UnsafePointer<UInt8>($0) } }
        let strides = [f.linesize.0, f.linesize.1, f.linesize.2, f.linesize.3]
        // libswscale reads four planes of the target, too, whatever its format.
        let rows = sws_scale(
            scaling.context, planes, strides, 0, f.height, [scaling.pixels, nil, nil, nil],
            [Int32(scaling.rowBytes), 0, 0, 0])
        guard rows == outHeight else {
            self.scaling = nil
            throw Fault(.data, name, "a frame of \(f.width)x\(f.height) cannot be scaled to \(width)x\(height)")
        }
        try body(
            RGBFrame(
                pixels: scaling.pixels, width: outWidth, height: outHeight, rowBytes: scaling.rowBytes,
                orientation: orientation))
    }

    private func context(_ shape: ScalingContext.Shape, _ name: String) throws(Fault) -> ScalingContext {
        if let scaling, scaling.shape == shape { return scaling }
        if let scaling { ScalingContext.put(scaling) }
        scaling = nil
        let found = try ScalingContext.take(shape, name)
        scaling = found
        return found
    }
}
