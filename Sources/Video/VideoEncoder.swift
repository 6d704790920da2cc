import CFFmpeg
public import Faults

/// Encodes frames as H.264 in MP4, in memory: the same bytes for the same frames on every machine.
///
/// x264 runs with one thread, without processor-dependent decisions and at a constant quantizer, because its rate
/// control computes with floating point and libm. The owner of the encoder's and the muxer's contexts.
public final class VideoEncoder {
    /// In pixels; even.
    public let width: Int
    public let height: Int
    private var codec: UnsafeMutablePointer<AVCodecContext>?
    private var muxer: UnsafeMutablePointer<AVFormatContext>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private let output: MemoryOutput
    private var count: Int64 = 0
    private let isAnonymous: Bool

    /// - Parameters:
    ///   - quantizer: x264's `qp`, 0 (best) to 51.
    ///   - keyInterval: frames from one key frame to the next.
    ///   - skippable: frames in a row that no other refers to, between two that are; `nil` for x264's choice.
    ///   - isAnonymous: leaves x264's version out of the stream, and puts the index of the file first.
    /// - Throws: an internal `Fault` where this libavcodec has no libx264.
    public init(
        width: Int, height: Int, framesPerSecond: Int, quantizer: Int = 18, keyInterval: Int = 16,
        skippable: Int? = nil, isAnonymous: Bool = false
    ) throws(Fault) {
        precondition(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0, "frames of \(width)x\(height)")
        precondition(framesPerSecond > 0 && (0...51).contains(quantizer) && keyInterval > 0)
        precondition((0...16).contains(skippable ?? 0), "x264 puts at most 16 frames between two")
        _ = Libav.prepared
        (self.width, self.height) = (width, height)
        self.isAnonymous = isAnonymous
        output = try MemoryOutput()
        guard let encoder = avcodec_find_encoder_by_name("libx264"), let codec = avcodec_alloc_context3(encoder) else {
            throw Fault(.internal, "libx264", "libavcodec was built without it", mend: "install Debian's libavcodec")
        }
        self.codec = codec
        codec.pointee.width = Int32(width)
        codec.pointee.height = Int32(height)
        codec.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        codec.pointee.colorspace = AVCOL_SPC_SMPTE170M
        codec.pointee.color_range = AVCOL_RANGE_MPEG
        codec.pointee.time_base = AVRational(num: 1, den: Int32(framesPerSecond))
        codec.pointee.framerate = AVRational(num: Int32(framesPerSecond), den: 1)
        codec.pointee.gop_size = Int32(keyInterval)
        codec.pointee.thread_count = 1
        codec.pointee.flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        av_dict_set(&options, "preset", "superfast", 0)
        av_dict_set(&options, "tune", "fastdecode", 0)
        av_dict_set_int(&options, "qp", Int64(quantizer), 0)
        let pattern = skippable.map { ":bframes=\($0):b-adapt=0:b-pyramid=none:ref=1" } ?? ""
        av_dict_set(&options, "x264-params", "cpu-independent=1:threads=1:scenecut=0:weightp=0" + pattern, 0)
        try Self.check(avcodec_open2(codec, encoder, &options), "start")
        try openMuxer(codec)
        frame = av_frame_alloc()
        packet = av_packet_alloc()
        guard let frame, packet != nil else { throw Fault(.internal, "libx264", "there is no memory for a frame") }
        frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        frame.pointee.width = Int32(width)
        frame.pointee.height = Int32(height)
        try Self.check(av_frame_get_buffer(frame, 0), "allocate a frame")
    }

    deinit {
        avcodec_free_context(&codec)
        avformat_free_context(muxer)
        av_frame_free(&frame)
        av_packet_free(&packet)
    }

    /// Appends a frame: `width` × `height` RGB bytes, rows from the top.
    public func append(rgb: UnsafeBufferPointer<UInt8>) throws(Fault) {
        precondition(rgb.count == 3 * width * height, "\(rgb.count) bytes for \(width)x\(height)")
        guard let frame, let pixels = rgb.baseAddress else { return }
        try Self.check(av_frame_make_writable(frame), "take a frame")
        convert(pixels, into: frame.pointee)
        frame.pointee.pts = count
        count += 1
        try Self.check(avcodec_send_frame(codec, frame), "encode a frame")
        try drain()
    }

    /// Ends the video.
    /// - Returns: the bytes of the MP4 file.
    public func finish() throws(Fault) -> [UInt8] {
        try Self.check(avcodec_send_frame(codec, nil), "end the video")
        try drain()
        try Self.check(av_write_trailer(muxer), "write the index")
        let bytes = output.takeBytes()
        guard isAnonymous else { return bytes }
        guard let file = withIndexFirst(bytes) else {
            throw Fault(.internal, "video encoder", "the muxer's file has another order than expected")
        }
        return file
    }

    private func openMuxer(_ codec: UnsafeMutablePointer<AVCodecContext>) throws(Fault) {
        try Self.check(avformat_alloc_output_context2(&muxer, nil, "mp4", nil), "start the container")
        guard let muxer, let stream = avformat_new_stream(muxer, nil) else {
            throw Fault(.internal, "mp4", "libavformat gave no container")
        }
        muxer.pointee.pb = output.context
        muxer.pointee.flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT
        try Self.check(avcodec_parameters_from_context(stream.pointee.codecpar, codec), "describe the video")
        stream.pointee.time_base = codec.pointee.time_base
        stream.pointee.avg_frame_rate = codec.pointee.framerate
        try Self.check(avformat_write_header(muxer, nil), "start the container")
    }

    private func drain() throws(Fault) {
        guard let codec, let packet, let muxer, let stream = muxer.pointee.streams[0] else { return }
        while true {
            let code = avcodec_receive_packet(codec, packet)
            if code == Libav.again || code == Libav.endOfFile { return }
            try Self.check(code, "encode a frame")
            packet.pointee.duration = 1
            if isAnonymous, let data = packet.pointee.data {
                let count = leadingSupplementalBytes(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size)))
                packet.pointee.data = data + count
                packet.pointee.size -= Int32(count)
            }
            av_packet_rescale_ts(packet, codec.pointee.time_base, stream.pointee.time_base)
            packet.pointee.stream_index = 0
            try Self.check(av_write_frame(muxer, packet), "write a frame")
            av_packet_unref(packet)
        }
    }

    /// RGB to 4:2:0 of BT.601 in integers: libswscale's vector code may round differently.
    private func convert(_ rgb: UnsafePointer<UInt8>, into frame: AVFrame) {
        guard let luma = frame.data.0, let blue = frame.data.1, let red = frame.data.2 else { return }
        let (lumaRow, blueRow, redRow) = (Int(frame.linesize.0), Int(frame.linesize.1), Int(frame.linesize.2))
        for y in 0..<height {
            for x in 0..<width {
                let p = rgb + 3 * (y * width + x)
                let sum = 66 * Int32(p[0]) + 129 * Int32(p[1]) + 25 * Int32(p[2])
                luma[y * lumaRow + x] = UInt8(truncatingIfNeeded: (sum + 128) >> 8 + 16)
            }
        }
        for y in 0..<height / 2 {
            for x in 0..<width / 2 {
                let p = rgb + 6 * (y * width + x)
                let q = p + 3 * width
                let r = Int32(p[0]) + Int32(p[3]) + Int32(q[0]) + Int32(q[3])
                let g = Int32(p[1]) + Int32(p[4]) + Int32(q[1]) + Int32(q[4])
                let b = Int32(p[2]) + Int32(p[5]) + Int32(q[2]) + Int32(q[5])
                blue[y * blueRow + x] = UInt8(truncatingIfNeeded: (112 * b - 38 * r - 74 * g + 512) >> 10 + 128)
                red[y * redRow + x] = UInt8(truncatingIfNeeded: (112 * r - 94 * g - 18 * b + 512) >> 10 + 128)
            }
        }
    }

    private static func check(_ code: Int32, _ what: String) throws(Fault) {
        guard code >= 0 else { throw Fault(.internal, "video encoder", "cannot \(what): \(Libav.text(code))") }
    }
}
