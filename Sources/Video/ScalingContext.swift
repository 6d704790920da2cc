import CFFmpeg
import Faults
import Synchronization

/// libswscale's context for one shape of frames, and the memory that it writes to. The owner of both.
///
/// Setting one up takes about as long as scaling a small frame, and clips are opened by the thousand: contexts that are
/// done with wait on a shelf for the next clip of their shape. What a context computes depends on its shape alone.
final class ScalingContext: @unchecked Sendable {  // who has taken one from the shelf is its only user
    struct Shape: Equatable {
        var width: Int32
        var height: Int32
        var format: Int32
        var space: Int32
        var fullRange: Bool
        var outWidth: Int32
        var outHeight: Int32
    }

    let shape: Shape
    let context: OpaquePointer
    let pixels: UnsafeMutablePointer<UInt8>
    let rowBytes: Int

    /// The most that wait: a few threads with a few shapes each; large ones are not kept.
    private static let (most, mostBytes) = (32, 4 << 20)
    private static let shelf = Mutex<[ScalingContext]>([])

    /// One of this shape that waits, or a new one.
    static func take(_ shape: Shape, _ name: String) throws(Fault) -> ScalingContext {
        let waiting = shelf.withLock { shelf in
            shelf.lastIndex { $0.shape == shape }.map { shelf.remove(at: $0) }
        }
        if let waiting { return waiting }
        return try ScalingContext(shape, name)
    }

    /// Gives one back that is not used any more.
    static func put(_ context: ScalingContext) {
        guard context.rowBytes * Int(context.shape.outHeight) <= mostBytes else { return }
        // The longest unused goes; it is freed outside of the lock.
        let surplus = shelf.withLock { shelf in
            shelf.append(context)
            return shelf.count > most ? shelf.removeFirst() : nil
        }
        _ = surplus
    }

    private init(_ shape: Shape, _ name: String) throws(Fault) {
        guard shape.width > 0, shape.height > 0, sws_isSupportedInput(AVPixelFormat(shape.format)) > 0 else {
            throw Fault(.data, name, "its pixel format is not supported")
        }
        // Bit-exact and accurate rounding select the code that gives the same bytes with every instruction set.
        let flags = Int32(SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT)
        let context = sws_getContext(
            shape.width, shape.height, AVPixelFormat(shape.format), shape.outWidth, shape.outHeight,
            AV_PIX_FMT_RGB24, flags, nil, nil, nil)
        guard let context else {
            throw Fault(
                .data, name,
                "frames of \(shape.width)x\(shape.height) cannot be scaled to \(shape.outWidth)x\(shape.outHeight)")
        }
        // What the stream does not say is BT.601 with the range of its pixel format, as everywhere in FFmpeg.
        let coefficients = sws_getCoefficients(shape.space)
        sws_setColorspaceDetails(
            context, coefficients, shape.fullRange ? 1 : 0, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16
        )
        // 64 bytes a row more than needed: libswscale's vector code writes past the end of rows.
        rowBytes = (3 * Int(shape.outWidth) + 64 + 63) & ~63
        guard let pixels = av_malloc(rowBytes * (Int(shape.outHeight) + 1)) else {
            sws_freeContext(context)
            throw Fault(.data, name, "there is no memory for frames of this size")
        }
        self.shape = shape
        self.context = context
        self.pixels = pixels.assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        sws_freeContext(context)
        av_free(pixels)
    }
}
