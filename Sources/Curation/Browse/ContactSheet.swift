public import Clips
public import Faults
import Foundation
import Reporting
import Video

/// Clips as the network sees them, scaled, cut out, mirrored, in their order: a page that needs no other file, or one picture.
public struct ContactSheet {
    public enum Format: String, Sendable, CaseIterable {
        case html, png
    }

    private let title: String
    private let settings: ClipSettings
    private let format: Format
    private var figures: [String] = []
    private var rows: [UInt8] = []

    /// The most that one picture may have: libavcodec's encoder takes no more.
    private static let mostBytes = 256 << 20

    public init(title: String, settings: ClipSettings, format: Format = .html) {
        (self.title, self.settings, self.format) = (title, settings, format)
    }

    /// The picture of a clip: its frames side by side.
    /// - Parameter clip: what `ClipLoader` gives (T, H, W, RGB), normalised.
    /// - Returns: RGB bytes, rows from the top.
    public static func strip(_ clip: [Float], _ settings: ClipSettings) -> (rgb: [UInt8], width: Int, height: Int) {
        let (T, H, W) = (settings.frames, settings.crop, settings.crop)
        precondition(clip.count == T * H * W * 3, "\(clip.count) floats for a clip of \(T)x\(H)x\(W)")
        var rgb = [UInt8](repeating: 0, count: clip.count)
        for t in 0..<T {
            for y in 0..<H {
                for x in 0..<W {
                    for c in 0..<3 {
                        let value = clip[((t * H + y) * W + x) * 3 + c] * settings.deviation[c] + settings.mean[c]
                        rgb[((y * T + t) * W + x) * 3 + c] = UInt8(min(255, max(0, value.rounded())))
                    }
                }
            }
        }
        return (rgb, T * W, H)
    }

    /// - Parameter caption: what stands above the clip on a page; a picture has none.
    /// - Throws: a usage `Fault` when one picture cannot hold so many clips.
    public mutating func add(_ clip: [Float], caption: String) throws(Fault) {
        let strip = Self.strip(clip, settings)
        switch format {
        case .png:
            guard rows.count + strip.rgb.count <= Self.mostBytes else {
                throw Fault(
                    .usage, "--clips",
                    "so many of \(settings.frames) frames of \(settings.crop)x\(settings.crop) do not fit "
                        + "into one picture", mend: "choose fewer, or a page: --out NAME.html")
            }
            rows += strip.rgb
        case .html:
            let png = try encodePNG(rgb: strip.rgb, width: strip.width, height: strip.height)
            let data = Data(png).base64EncodedString()
            figures.append(
                "<figure><figcaption>\(escapedForHTML(caption))</figcaption>"
                    + "<img alt=\"\" src=\"data:image/png;base64,\(data)\"></figure>")
        }
    }

    /// The file, once all clips are added.
    public func bytes() throws(Fault) -> [UInt8] {
        switch format {
        case .png:
            let width = settings.frames * settings.crop
            return try encodePNG(rgb: rows, width: width, height: rows.count / (3 * width))
        case .html: return Array(html.utf8)
        }
    }

    private var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>\(escapedForHTML(title))</title>
        <style>body{font:14px sans-serif;margin:1.5em}figure{margin:0 0 1em}figcaption{margin-bottom:.2em}
        img{max-width:100%;image-rendering:pixelated}</style></head>
        <body><h1>\(escapedForHTML(title))</h1>
        \(figures.joined(separator: "\n"))
        </body></html>

        """
    }
}
