import CFFmpeg
public import Faults

/// A picture as a PNG file, without loss: `width` × `height` RGB bytes, rows from the top.
/// - Throws: an internal `Fault` where libavcodec has no PNG encoder, or no memory.
public func encodePNG(rgb: [UInt8], width: Int, height: Int) throws(Fault) -> [UInt8] {
    precondition(
        width > 0 && height > 0 && rgb.count == 3 * width * height, "\(rgb.count) bytes for \(width)x\(height)")
    _ = Libav.prepared
    func failed(_ what: String) -> Fault { Fault(.internal, "PNG encoder", "cannot \(what)") }
    guard let encoder = avcodec_find_encoder(AV_CODEC_ID_PNG) else { throw failed("be found in libavcodec") }
    var context = avcodec_alloc_context3(encoder)
    var frame = av_frame_alloc()
    var packet = av_packet_alloc()
    defer {
        avcodec_free_context(&context)
        av_frame_free(&frame)
        av_packet_free(&packet)
    }
    guard let context, let frame, let packet else { throw failed("get memory") }
    context.pointee.width = Int32(width)
    context.pointee.height = Int32(height)
    context.pointee.pix_fmt = AV_PIX_FMT_RGB24
    context.pointee.time_base = AVRational(num: 1, den: 1)
    context.pointee.thread_count = 1
    guard avcodec_open2(context, encoder, nil) >= 0 else { throw failed("start") }
    frame.pointee.format = AV_PIX_FMT_RGB24.rawValue
    frame.pointee.width = Int32(width)
    frame.pointee.height = Int32(height)
    guard av_frame_get_buffer(frame, 0) >= 0, let pixels = frame.pointee.data.0 else { throw failed("get memory") }
    let stride = Int(frame.pointee.linesize.0)
    rgb.withUnsafeBufferPointer { rgb in
        guard let base = rgb.baseAddress else { return }
        for y in 0..<height { (pixels + y * stride).update(from: base + 3 * width * y, count: 3 * width) }
    }
    guard avcodec_send_frame(context, frame) >= 0, avcodec_send_frame(context, nil) >= 0,
        avcodec_receive_packet(context, packet) >= 0, let data = packet.pointee.data
    else { throw failed("encode") }
    return Array(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size)))
}
