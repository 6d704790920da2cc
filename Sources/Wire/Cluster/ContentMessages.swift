import Faults

/// Asks whoever has the data set for bytes of one of its files. Not numbered: the answer names what was asked for, and whoever
/// gets none asks somebody else.
public struct ContentRequest: Hashable, Sendable {
    /// SHA-256 of the whole file, 32 bytes: no name from the network ever becomes a path.
    public var digest: [UInt8]
    public var offset: Int
    /// 1 to `mostBytes`.
    public var count: Int

    public static let digestBytes = 32
    /// What a request may ask for at most: it bounds what is under way.
    public static let mostBytes = 1 << 20

    public init(digest: [UInt8], offset: Int, count: Int) {
        self.digest = digest
        self.offset = offset
        self.count = count
    }

    /// The request, where a message is one: whoever coordinates gets them between its own messages.
    public init?(header: Payload, payloads: [Payload]) {
        let message = try? header.withBytes { bytes throws(Fault) in
            try ControlMessage(header: bytes, payloads: payloads)
        }
        guard case .content(let request) = message else { return nil }
        self = request
    }
}

/// The answer to a `ContentRequest`.
public enum ContentReply: Sendable {
    /// `bytes.count` is `request.count`.
    case part(ContentRequest, bytes: Payload)
    case refused(ContentRequest, Refusal)

    public enum Refusal: Int, Sendable {
        /// There is no such file here, or it is shorter.
        case absent = 1
        /// The disk refuses.
        case unreadable = 2
        /// Too much is under way: ask later, or somebody else.
        case busy = 3
    }

    public var request: ContentRequest {
        switch self {
        case .part(let request, _), .refused(let request, _): request
        }
    }
}
