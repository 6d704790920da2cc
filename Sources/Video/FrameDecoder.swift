import CFFmpeg
import Faults

/// One stream's decoder, on the thread that calls it. The owner of the `AVCodecContext`.
final class FrameDecoder {
    private let name: String
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var frame: UnsafeMutablePointer<AVFrame>?

    init(_ demuxer: Demuxer, name: String) throws(Fault) {
        self.name = name
        context = avcodec_alloc_context3(demuxer.decoder)
        frame = av_frame_alloc()
        guard let context, frame != nil else { throw Fault(.data, name, "there is no memory for a decoder") }
        avcodec_parameters_to_context(context, demuxer.stream.pointee.codecpar)
        context.pointee.pkt_timebase = demuxer.stream.pointee.time_base
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_BITEXACT
        context.pointee.idct_algo = FF_IDCT_SIMPLE
        // A damaged picture is an error and not a guess, so that what a clip holds never depends on how it was reached.
        context.pointee.err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK
        context.pointee.max_pixels = Int64(Libav.mostPixels)
        if context.pointee.codec_id == AV_CODEC_ID_H264 {
            // Then the reordering delay is the level's where the stream does not give it; guessing low loses frames.
            context.pointee.strict_std_compliance = FF_COMPLIANCE_STRICT
        }
        let code = avcodec_open2(context, demuxer.decoder, nil)
        guard code >= 0 else { throw Fault(.data, name, "its decoder does not start: \(Libav.text(code))") }
    }

    deinit {
        avcodec_free_context(&context)
        av_frame_free(&frame)
    }

    /// Decodes packets `range` of `list` from a clean state and gives every shown frame to `body`, in the order of
    /// showing, until it returns `false`.
    /// - Parameters:
    ///   - isWanted: by timestamp; pictures that are neither wanted nor referred to by others are not decoded. `nil`: all are.
    ///   - tolerated: packets before this timestamp may fail, because they belong to pictures before the first key.
    func decode(
        _ list: PacketList, _ range: ClosedRange<Int>, isWanted: ((Int64) -> Bool)?, tolerated: Int64 = .min,
        _ body: (UnsafePointer<AVFrame>) throws -> Bool
    ) throws {
        guard let context else { throw Fault(.internal, name, "the decoder is closed") }
        defer { avcodec_flush_buffers(context) }
        for i in range {
            let timestamp = list.timestamp(i)
            context.pointee.skip_frame = isWanted?(timestamp) ?? true ? AVDISCARD_DEFAULT : AVDISCARD_NONREF
            let code = avcodec_send_packet(context, list.packets[i])
            if code < 0, timestamp >= tolerated { throw damaged(code) }
            guard try receive(context, tolerant: timestamp < tolerated, body) else { return }
        }
        // Whatever waits for reordering comes out now; decoding on for it would cost more.
        avcodec_send_packet(context, nil)
        _ = try receive(context, tolerant: false, body)
    }

    private func receive(
        _ context: UnsafeMutablePointer<AVCodecContext>, tolerant: Bool,
        _ body: (UnsafePointer<AVFrame>) throws -> Bool
    ) throws -> Bool {
        guard let frame else { return false }
        while true {
            let code = avcodec_receive_frame(context, frame)
            if code == Libav.again || code == Libav.endOfFile { return true }
            if code < 0 {
                guard tolerant else { throw damaged(code) }
                return true
            }
            defer { av_frame_unref(frame) }
            if frame.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0 || frame.pointee.decode_error_flags != 0 {
                guard tolerant else { throw damaged(Libav.invalidData) }
                continue
            }
            guard try body(frame) else { return false }
        }
    }

    private func damaged(_ code: Int32) -> Fault { Fault(.data, name, "does not decode: \(Libav.text(code))") }
}
