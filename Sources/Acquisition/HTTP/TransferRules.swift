public import Faults

/// What is on the disk of a file that is not whole yet, and what it is a part of.
public struct Partial: Sendable, Equatable {
    public var bytes: Int
    /// Of the whole; `nil` when the server did not say.
    public var total: Int?
    /// What tells the version on the server from others: an entity tag or a date.
    public var validator: String?

    public static let nothing = Partial(bytes: 0, total: nil, validator: nil)

    public init(bytes: Int, total: Int?, validator: String?) {
        self.bytes = bytes
        self.total = total
        self.validator = validator
    }
}

/// Why an attempt at a download failed, and whether another one may do better.
public enum TransferFailure: Error, Sendable, Equatable {
    /// The network's or the server's doing, which may pass; the seconds are what the server asked to wait.
    case passing(String, retryAfter: Double?)
    /// The server says that there is no such thing, or not for us.
    case refused(String)
    /// This machine's doing: no space, no permission.
    case local(Fault)
    /// Somebody asked to stop.
    case cancelled
}

/// How the bytes of one file are asked for and taken: pure rules, over (what is on the disk, what the server says).
public enum TransferRules {
    /// What to ask for.
    public enum Request: Sendable, Equatable {
        /// Nothing: the bytes are all there.
        case none
        /// The file from its beginning.
        case whole
        /// What is missing, if the object is still the same (`If-Range`); all of it otherwise.
        case rest(from: Int, ifRange: String)
    }

    /// What to do with the body of an answer.
    public enum Answer: Sendable, Equatable {
        /// Write it from this offset on; what lies behind goes.
        case write(at: Int, whole: Partial)
        /// Throw away what is on the disk and ask again.
        case startOver(String)
        case fail(TransferFailure)
    }

    /// Bytes of a file at most. What a server announces beyond is nonsense, which nobody could add up.
    public static let mostBytes = 1 << 40

    /// A part without a validator could be of another version of the object, so it is not continued.
    public static func request(for partial: Partial) -> Request {
        if let total = partial.total, partial.bytes == total, total > 0 { return .none }
        guard partial.bytes > 0, let validator = partial.validator, partial.bytes < partial.total ?? .max else {
            return .whole
        }
        return .rest(from: partial.bytes, ifRange: validator)
    }

    /// - Parameter retryAfter: seconds that the server asked to wait; `nil` when it did not.
    public static func answer(
        _ head: ResponseHead, to request: Request, partial: Partial, retryAfter: Double? = nil
    ) -> Answer {
        switch head.status {
        case 200:
            // Also when a range was asked for: the server ignores ranges, or the object is another one by now.
            return writing(at: 0, Partial(bytes: 0, total: head.contentLength, validator: head.validator))
        case 206:
            guard case .rest(let offset, _) = request else { return .startOver("sent a range that nobody asked for") }
            guard let range = head.contentRange, let bytes = range.bytes, bytes.lowerBound == offset else {
                return .startOver("sent another range than the one asked for")
            }
            guard let total = range.total, partial.total ?? total == total, bytes.upperBound == total - 1 else {
                return .startOver("says that the file has another size now")
            }
            return writing(
                at: offset, Partial(bytes: offset, total: total, validator: head.validator ?? partial.validator))
        case 416: return .startOver("has no such range")
        case 408, 425, 429, 500, 502, 503, 504:
            return .fail(.passing("the server answers \(status(head.status))", retryAfter: retryAfter))
        case 400..<600: return .fail(.refused("the server answers \(status(head.status))"))
        default:
            return .fail(
                .passing("the server answers with status \(head.status), which says nothing here", retryAfter: nil))
        }
    }

    private static func writing(at offset: Int, _ whole: Partial) -> Answer {
        if let total = whole.total, total > mostBytes {
            return .fail(.refused("the server announces \(total) bytes, more than any file that is published"))
        }
        return .write(at: offset, whole: whole)
    }

    /// What the head of an answer to HEAD says about a file's size and version.
    public static func survey(_ head: ResponseHead, retryAfter: Double? = nil) -> Result<Partial, TransferFailure> {
        switch answer(head, to: .whole, partial: .nothing, retryAfter: retryAfter) {
        case .write(_, let whole): .success(whole)
        case .fail(let failure): .failure(failure)
        case .startOver(let reason): .failure(.passing("the server \(reason)", retryAfter: nil))
        }
    }

    private static func status(_ status: Int) -> String {
        let words = [
            400: "bad request", 401: "unauthorised", 403: "forbidden, or no such file", 404: "no such file",
            408: "timeout",
            410: "gone", 429: "too many requests", 451: "unavailable for legal reasons", 500: "internal error",
            502: "bad gateway", 503: "unavailable, or slow down", 504: "gateway timeout",
        ]
        return "\(status)" + (words[status].map { " (\($0))" } ?? "")
    }
}

/// What a file must look like at its beginning.
public enum ExpectedContent: Sendable, Equatable {
    /// gzip or tar.
    case archive
    /// Anything that is no web page.
    case text

    /// Why these first bytes are not what was asked for; `nil` when they may be.
    public func objection(to bytes: some Collection<UInt8>) -> String? {
        guard !bytes.isEmpty else { return "it is empty" }
        // Portals and proxies answer with a page and status 200; so does a bucket that is gone with XML.
        let beginning = bytes.drop { [0x09, 0x0A, 0x0D, 0x20, 0xEF, 0xBB, 0xBF].contains($0) }
        if beginning.first == UInt8(ascii: "<") { return "it is a web page (HTML or XML)" }
        guard self == .archive else { return nil }
        if bytes.starts(with: [0x1F, 0x8B]) { return nil }
        if bytes.count >= 262, bytes.dropFirst(257).starts(with: "ustar".utf8) { return nil }
        return bytes.count >= 262 ? "it is neither gzip nor tar" : "it is too short for an archive"
    }
}
