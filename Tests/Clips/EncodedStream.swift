import CFFmpeg
import Randomness

/// Streams that `VideoEncoder` does not write: any of x264's structures, any timestamps, MP4 or Matroska.
enum EncodedStream {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Encodes pictures of grey noise that a bright square walks over, each shown at its timestamp.
    /// - Parameters:
    ///   - timestamps: milliseconds, ascending.
    ///   - structure: x264's parameters, as `keyint=12:bframes=3`.
    ///   - container: libavformat's name.
    static func make(
        timestamps: [Int64], structure: String, container: String, width: Int = 64, height: Int = 48, seed: UInt64
    ) throws -> [UInt8] {
        guard let encoder = avcodec_find_encoder_by_name("libx264") else { throw Failure(description: "no libx264") }
        var codec = avcodec_alloc_context3(encoder)
        var muxer: UnsafeMutablePointer<AVFormatContext>?
        var frame = av_frame_alloc()
        var packet = av_packet_alloc()
        defer {
            avcodec_free_context(&codec)
            avformat_free_context(muxer)
            av_frame_free(&frame)
            av_packet_free(&packet)
        }
        guard let codec, let frame, let packet else { throw Failure(description: "no memory") }
        codec.pointee.width = Int32(width)
        codec.pointee.height = Int32(height)
        codec.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        codec.pointee.time_base = AVRational(num: 1, den: 1000)
        codec.pointee.thread_count = 1
        codec.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        av_dict_set(&options, "preset", "veryfast", 0)
        av_dict_set_int(&options, "qp", 24, 0)
        av_dict_set(&options, "x264-params", "threads=1:scenecut=0:" + structure, 0)
        try check(avcodec_open2(codec, encoder, &options), "start the encoder")
        try check(avformat_alloc_output_context2(&muxer, nil, container, nil), "start the container")
        guard let muxer, let stream = avformat_new_stream(muxer, nil) else { throw Failure(description: "no muxer") }
        try check(avio_open_dyn_buf(&muxer.pointee.pb), "open memory")
        try check(avcodec_parameters_from_context(stream.pointee.codecpar, codec), "describe the stream")
        stream.pointee.time_base = codec.pointee.time_base
        try check(avformat_write_header(muxer, nil), "write the header")
        (frame.pointee.format, frame.pointee.width, frame.pointee.height) = (
            AV_PIX_FMT_YUV420P.rawValue, Int32(width), Int32(height)
        )
        try check(av_frame_get_buffer(frame, 0), "allocate a frame")
        func drain() throws {
            while avcodec_receive_packet(codec, packet) >= 0 {
                // Without a duration the last frame is shown for none, and MP4 leaves it out.
                packet.pointee.duration = 10
                av_packet_rescale_ts(packet, codec.pointee.time_base, stream.pointee.time_base)
                packet.pointee.stream_index = 0
                try check(av_interleaved_write_frame(muxer, packet), "write a frame")
            }
        }
        for (number, timestamp) in timestamps.enumerated() {
            try check(av_frame_make_writable(frame), "take a frame")
            paint(frame.pointee, number, Draws(seed: seed, place: UInt64(number), purpose: .synthesis))
            frame.pointee.pts = timestamp
            try check(avcodec_send_frame(codec, frame), "encode a frame")
            try drain()
        }
        try check(avcodec_send_frame(codec, nil), "end the stream")
        try drain()
        try check(av_write_trailer(muxer), "write the index")
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = avio_close_dyn_buf(muxer.pointee.pb, &bytes)
        muxer.pointee.pb = nil
        defer { av_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    private static func paint(_ frame: AVFrame, _ number: Int, _ draws: Draws) {
        guard let luma = frame.data.0, let blue = frame.data.1, let red = frame.data.2 else { return }
        for y in 0..<Int(frame.height) {
            for x in 0..<Int(frame.width) {
                let inside = (x + 3 * number) % Int(frame.width) < 14 && (10..<30).contains(y)
                let noise = draws.integer(y * Int(frame.width) + x, below: 40)
                luma[y * Int(frame.linesize.0) + x] = UInt8(inside ? 220 : 60 + noise)
            }
        }
        for y in 0..<Int(frame.height) / 2 {
            for x in 0..<Int(frame.width) / 2 {
                blue[y * Int(frame.linesize.1) + x] = UInt8((100 + 5 * number) % 200 + 20)
                red[y * Int(frame.linesize.2) + x] = UInt8(90 + x)
            }
        }
    }

    private static func check(_ code: Int32, _ what: String) throws {
        guard code >= 0 else { throw Failure(description: "cannot \(what): \(code)") }
    }
}

/// A picture of a stream that is stored with lengths before its parts, as MP4 does.
struct CodedPicture {
    /// Where its bytes are in the file.
    var range: Range<Int>
    var isKey: Bool
    /// Whether others may refer to it.
    var isReferred: Bool

    /// Those of an MP4 file that has one slice a picture and nothing between them: `VideoEncoder`'s, anonymous.
    static func all(_ file: [UInt8]) throws -> [CodedPicture] {
        guard let start = (0..<file.count - 4).first(where: { file[$0..<$0 + 4].elementsEqual("mdat".utf8) }) else {
            throw EncodedStream.Failure(description: "no mdat")
        }
        func length(_ at: Int) -> Int { file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        let end = start - 4 + length(start - 4)
        var pictures: [CodedPicture] = []
        var at = start + 4
        while at + 4 < end {
            let next = at + 4 + length(at)
            let kind = file[at + 4] & 31
            if kind == 1 || kind == 5 {
                pictures.append(
                    CodedPicture(range: at + 4..<next, isKey: kind == 5, isReferred: file[at + 4] >> 5 & 3 != 0))
            }
            at = next
        }
        return pictures
    }
}
