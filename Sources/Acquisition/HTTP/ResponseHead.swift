/// Status and header fields of an HTTP response, as far as a download looks at them (RFC 9110, RFC 9112).
public struct ResponseHead: Sendable, Equatable {
    public var status = 0
    /// By lower-case name; of fields that come twice the last.
    private var fields: [String: String] = [:]

    public init() {}

    /// Takes the next line of a head. A status line begins a new head, because redirects and `100 Continue` come first.
    public mutating func append(line: String) {
        let line = line.trimmed
        if line.hasPrefix("HTTP/") {
            fields = [:]
            let words = line.split(separator: " ")
            status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        } else if let colon = line.firstIndex(of: ":") {
            fields[line[..<colon].trimmed.lowercased()] = line[line.index(after: colon)...].trimmed
        }
    }

    public subscript(name: String) -> String? { fields[name] }

    /// Bytes of the body; `nil` when the server does not say, or not in a number.
    public var contentLength: Int? { self["content-length"].flatMap(Self.count) }

    /// `Content-Range: bytes 5-9/100`, or `bytes */100` where a range could not be served.
    public var contentRange: ContentRange? {
        guard let text = self["content-range"], text.hasPrefix("bytes ") else { return nil }
        let halves = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let total = Self.count(String(halves[1]))
        guard total != nil || halves[1] == "*" else { return nil }
        if halves[0] == "*" { return ContentRange(bytes: nil, total: total) }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Self.count(String($0)) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last, last < total ?? .max else {
            return nil
        }
        return ContentRange(bytes: first...last, total: total)
    }

    public struct ContentRange: Sendable, Equatable {
        public var bytes: ClosedRange<Int>?
        public var total: Int?
    }

    /// What tells this version of the object from another, fit for `If-Range`: a strong entity tag, else the date.
    public var validator: String? {
        if let tag = self["etag"], tag.hasPrefix("\""), tag.hasSuffix("\""), tag.count > 2 { return tag }
        return self["last-modified"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func count(_ text: String) -> Int? {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
