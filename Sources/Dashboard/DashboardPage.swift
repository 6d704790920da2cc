import Storage

/// The page: one document that loads nothing else. Its parts lie in `Page/` and are compiled into the program.
enum DashboardPage {
    static let html: [UInt8] = {
        let (style, script) = (text(PackageResources.page_css), text(PackageResources.page_js))
        var page = text(PackageResources.page_html)
        for (mark, part) in [("/*style*/", style), ("/*script*/", script)] {
            guard let place = page.firstRange(of: mark) else { preconditionFailure("page.html has no \(mark)") }
            page.replaceSubrange(place, with: part)
        }
        return Array(page.utf8)
    }()

    /// The browser is told to load nothing from elsewhere and to run no script but ours.
    static let headers: [(String, String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
                + "form-action 'none'; frame-ancestors 'none'; script-src '\(scriptDigest)'"
        ),
        ("Cache-Control", "no-cache"), ("Referrer-Policy", "no-referrer"),
    ]

    private static let scriptDigest = "sha256-" + base64(Digest(of: PackageResources.page_js).bytes)

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var out = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 { out.append(place <= group.count ? letters[word >> (18 - 6 * place) & 63] : "=") }
        }
        return out
    }
}
