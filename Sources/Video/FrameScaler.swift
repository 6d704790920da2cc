import CFFmpeg
import Faults

/// Turns decoded frames into RGB of a wanted size, to the same bytes on every processor. The owner of libswscale.
///
/// One context is kept for the last shape seen, because a clip's frames share theirs.
final class FrameScaler {
    private struct Shape: Equatable {
        var width: Int32
        var height: Int32
        var format: Int32
        var space: Int32
        var fullRange: Bool
        var outWidth: Int32
        var outHeight: Int32
    }

    private var shape: Shape?
    private var context: OpaquePointer?
    private var pixels: UnsafeMutablePointer<UInt8>?
    private var rowBytes = 0

    deinit {
        sws_freeContext(context)
        av_free(pixels)
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
        try prepare(
            Shape(
                width: f.width, height: f.height, format: f.format, space: Int32(f.colorspace.rawValue),
                fullRange: f.color_range == AVCOL_RANGE_JPEG, outWidth: Int32(outWidth), outHeight: Int32(outHeight)),
            name)
        guard let context, let pixels else { throw Fault(.internal, name, "the scaler is not prepared") }
        let planes = [f.data.0, f.data.1, f.data.2, f.data.3].map { $0.map { UnsafePointer<UInt8>($0) } }
        let strides = [f.linesize.0, f.linesize.1, f.linesize.2, f.linesize.3]
        // libswscale reads four planes of the target, too, whatever its format.
        let rows = sws_scale(
            context, planes, strides, 0, f.height, [pixels, nil, nil, nil], [Int32(rowBytes), 0, 0, 0])
        guard rows == outHeight else {
            throw Fault(.data, name, "a frame of \(f.width)x\(f.height) cannot be scaled to \(width)x\(height)")
        }
        try body(
            RGBFrame(
                pixels: pixels, width: outWidth, height: outHeight, rowBytes: rowBytes, orientation: orientation))
    }

    private func prepare(_ wanted: Shape, _ name: String) throws(Fault) {
        guard wanted != shape else { return }
        sws_freeContext(context)
        av_free(pixels)
        (context, pixels, shape) = (nil, nil, nil)
        guard wanted.width > 0, wanted.height > 0, sws_isSupportedInput(AVPixelFormat(wanted.format)) > 0 else {
            throw Fault(.data, name, "its pixel format is not supported")
        }
        // Bit-exact and accurate rounding select the code that gives the same bytes with every instruction set.
        let flags = Int32(SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT)
        context = sws_getContext(
            wanted.width, wanted.height, AVPixelFormat(wanted.format), wanted.outWidth, wanted.outHeight,
            AV_PIX_FMT_RGB24, flags, nil, nil, nil)
        guard context != nil else {
            throw Fault(
                .data, name,
                "frames of \(wanted.width)x\(wanted.height) cannot be scaled to \(wanted.outWidth)x\(wanted.outHeight)")
        }
        // What the stream does not say is BT.601 with the range of its pixel format, as everywhere in FFmpeg.
        let coefficients = sws_getCoefficients(wanted.space)
        sws_setColorspaceDetails(
            context, coefficients, wanted.fullRange ? 1 : 0, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16
        )
        // 64 bytes a row more than needed: libswscale's vector code writes past the end of rows.
        rowBytes = (3 * Int(wanted.outWidth) + 64 + 63) & ~63
        pixels = av_malloc(rowBytes * (Int(wanted.outHeight) + 1))?.assumingMemoryBound(to: UInt8.self)
        guard pixels != nil else { throw Fault(.data, name, "there is no memory for frames of this size") }
        shape = wanted
    }
}
