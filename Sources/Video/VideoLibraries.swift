import CFFmpeg

/// The libraries that decide what a decoded pixel is.
public enum VideoLibraries {
    /// `libavformat 59.27.100, libavcodec 59.37.100, libswscale 6.7.100`, of what is loaded, not of what was compiled with.
    public static let versions: String = [
        ("libavformat", avformat_version()), ("libavcodec", avcodec_version()), ("libswscale", swscale_version()),
    ].map { "\($0.0) \($0.1 >> 16).\($0.1 >> 8 & 255).\($0.1 & 255)" }.joined(separator: ", ")
}
