import CFFmpeg
import Faults

/// What holds for libav* as a whole.
enum Libav {
    /// Sets what is global in libav*, once: it keeps quiet (every failure becomes a `Fault`), and no hostile header makes it
    /// allocate more than half a gigabyte in one piece.
    static let prepared: Void = {
        av_log_set_level(AV_LOG_QUIET)
        av_max_alloc(512 << 20)
    }()

    static let endOfFile = zoetrope_averror_eof()
    static let again = zoetrope_averror_again()
    static let outOfMemory = zoetrope_averror_memory()
    static let invalidData = zoetrope_averror_invalid_data()
    static let noTimestamp = zoetrope_no_timestamp()

    /// Containers that hold one video and nothing but: playlists and scripts (HLS, concat, DASH) would open other files.
    static let containers =
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,h264,hevc,m4v,ivf,mpegvideo"

    /// The decoders that video data sets need; the others only widen what a hostile file can reach.
    static let decoders =
        "h264,hevc,libdav1d,vp8,vp9,mpeg4,mpeg2video,mpeg1video,mjpeg,h263,flv,msmpeg4,msmpeg4v2,wmv1,wmv2,wmv3,"
        + "vc1,theora,vp6,vp6f,svq3,rawvideo,ffv1"

    /// Frames larger than this (8K and a little) are refused.
    static let mostPixels = 8192 * 4352

    /// libav's words for an error code.
    static func text(_ code: Int32) -> String {
        var words = [CChar](repeating: 0, count: 128)
        guard av_strerror(code, &words, words.count) == 0 else { return "error \(code)" }
        return String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
