import CFFmpeg
import Faults

/// A container opened from memory: finds the video stream and reads its packets. The owner of the `AVFormatContext`.
final class Demuxer {
    private let name: String
    private let input: MemoryInput
    private var context: UnsafeMutablePointer<AVFormatContext>?
    /// The best video stream, owned by the context.
    let stream: UnsafeMutablePointer<AVStream>
    let decoder: UnsafePointer<AVCodec>
    let container: String
    let orientation: Orientation

    /// - Parameter bytes: must outlive the demuxer.
    /// - Throws: a data `Fault` when libav finds no container, no video stream or no decoder in it.
    init(_ bytes: UnsafeRawBufferPointer, name: String) throws(Fault) {
        _ = Libav.prepared
        guard !bytes.isEmpty else { throw Fault(.data, name, "is empty") }
        input = try MemoryInput(bytes)
        self.name = name
        let opened = try Self.open(input, name)
        do throws(Fault) {
            container = String(cString: opened.pointee.iformat.pointee.name)
            let (stream, decoder) = try Self.findStream(opened, name, complete: !Self.describesItself(container))
            self.stream = stream
            self.decoder = decoder
            orientation = Self.orientation(of: stream)
        } catch {
            var context: UnsafeMutablePointer<AVFormatContext>? = opened
            avformat_close_input(&context)
            throw error
        }
        context = opened
    }

    deinit { avformat_close_input(&context) }

    /// How many packets the container's own index promises; `nil` where it has no whole index, or where packets are cut
    /// again on the way. Fragmented files tell it once their packets have been read.
    var promisedPackets: Int? {
        let whole: [AVCodecID] = [
            AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1, AV_CODEC_ID_VP8, AV_CODEC_ID_VP9,
        ]
        guard container.hasPrefix("mov,"), whole.contains(stream.pointee.codecpar.pointee.codec_id) else { return nil }
        return Int(avformat_index_get_entries_count(stream))
    }

    /// How long the container says that it lasts, in seconds; 0 where it does not say.
    var claimedSeconds: Double {
        guard let duration = context?.pointee.duration, duration > 0 else { return 0 }
        return Double(duration) / Double(AV_TIME_BASE)
    }

    /// How long the container says that the video stream lasts, in seconds; 0 where it does not say.
    var streamSeconds: Double {
        let base = stream.pointee.time_base
        guard stream.pointee.duration > 0, base.num > 0, base.den > 0 else { return 0 }
        return Double(stream.pointee.duration) * Double(base.num) / Double(base.den)
    }

    /// Every packet of the video stream, in the order of decoding.
    /// - Throws: a data `Fault` when there is none, or when a hostile index would make them exceed the file many times.
    func readPackets(fileSize: Int) throws(Fault) -> PacketList {
        let packets = PacketList()
        var budget = 4 * fileSize + (64 << 20)
        var left = 1 << 21
        while true {
            guard let packet = av_packet_alloc() else { throw Fault(.data, name, "there is no memory for its packets") }
            let code = av_read_frame(context, packet)
            guard code >= 0, packet.pointee.stream_index == stream.pointee.index, packet.pointee.size > 0 else {
                let other = code >= 0
                let isOurs = other && packet.pointee.stream_index == stream.pointee.index
                var unused: UnsafeMutablePointer<AVPacket>? = packet
                av_packet_free(&unused)
                left -= 1
                guard other, left > 0 else { break }
                if isOurs { packets.emptyCount += 1 }
                continue
            }
            budget -= Int(packet.pointee.size)
            left -= 1
            packets.append(packet)
            guard budget >= 0, left > 0 else {
                throw Fault(.data, name, "its index claims far more than the file holds")
            }
        }
        guard packets.count > 0 else { throw Fault(.data, name, "has no video frames") }
        return packets
    }

    private static func open(
        _ input: MemoryInput, _ name: String
    ) throws(Fault) -> UnsafeMutablePointer<AVFormatContext> {
        var context = avformat_alloc_context()
        guard let allocated = context else { throw Fault(.data, name, "there is no memory to open it") }
        allocated.pointee.pb = input.context
        allocated.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        var options: OpaquePointer?
        av_dict_set(&options, "format_whitelist", Libav.containers, 0)
        av_dict_set(&options, "codec_whitelist", Libav.decoders, 0)
        av_dict_set(&options, "protocol_whitelist", "none", 0)
        defer { av_dict_free(&options) }
        // Frees the context when it fails.
        let code = avformat_open_input(&context, nil, nil, &options)
        guard code >= 0, let context else {
            throw Fault(.data, name, "is not a video that can be read: \(Libav.text(code))")
        }
        return context
    }

    /// MP4 and Matroska describe their streams completely in their headers; the others must be probed.
    private static func describesItself(_ container: String) -> Bool {
        container.hasPrefix("mov,") || container.hasPrefix("matroska,")
    }

    private static func findStream(
        _ context: UnsafeMutablePointer<AVFormatContext>, _ name: String, complete: Bool
    ) throws(Fault) -> (UnsafeMutablePointer<AVStream>, UnsafePointer<AVCodec>) {
        if complete { avformat_find_stream_info(context, nil) }
        var decoder: UnsafePointer<AVCodec>?
        let index = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0)
        guard index >= 0, index < context.pointee.nb_streams, let found = context.pointee.streams[Int(index)] else {
            throw Fault(.data, name, "has no video stream")
        }
        let parameters = found.pointee.codecpar.pointee
        let described = parameters.width > 0 && parameters.height > 0
        if !described, !complete { return try findStream(context, name, complete: true) }
        guard described else { throw Fault(.data, name, "does not say how large its frames are") }
        guard Int(parameters.width) * Int(parameters.height) <= Libav.mostPixels else {
            throw Fault(.data, name, "its frames of \(parameters.width)x\(parameters.height) are too large")
        }
        guard let decoder, allowed(decoder) else {
            let codec = String(cString: avcodec_get_name(parameters.codec_id))
            throw Fault(.data, name, "its codec \(codec) is not supported")
        }
        for i in 0..<Int(context.pointee.nb_streams) where i != Int(index) {
            context.pointee.streams[i]?.pointee.discard = AVDISCARD_ALL
        }
        return (found, decoder)
    }

    private static func allowed(_ decoder: UnsafePointer<AVCodec>) -> Bool {
        Libav.decoders.split(separator: ",").contains(Substring(String(cString: decoder.pointee.name)))
    }

    private static func orientation(of stream: UnsafeMutablePointer<AVStream>) -> Orientation {
        var size = 0
        guard let data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size), size >= 36 else {
            return .upright
        }
        let bytes = UnsafeRawBufferPointer(start: data, count: size)
        return Orientation(displayMatrix: (0..<9).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) })
    }
}

/// The packets of one stream in the order of decoding. The owner of their `AVPacket`s.
final class PacketList {
    private(set) var packets: [UnsafeMutablePointer<AVPacket>] = []
    /// Packets of the stream that hold nothing and are not kept.
    var emptyCount = 0

    var count: Int { packets.count }

    func append(_ packet: UnsafeMutablePointer<AVPacket>) { packets.append(packet) }

    func timestamp(_ i: Int) -> Int64 { packets[i].pointee.pts }
    func isKey(_ i: Int) -> Bool { packets[i].pointee.flags & AV_PKT_FLAG_KEY != 0 }
    /// Decoded but not shown, as an edit list says.
    func isHidden(_ i: Int) -> Bool { packets[i].pointee.flags & AV_PKT_FLAG_DISCARD != 0 }

    deinit {
        for packet in packets {
            var packet: UnsafeMutablePointer<AVPacket>? = packet
            av_packet_free(&packet)
        }
    }
}
