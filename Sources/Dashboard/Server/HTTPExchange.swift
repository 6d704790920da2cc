/// A request whose head and body have arrived whole.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Without what follows a question mark.
    public var path: String
    /// What follows `Authorization: Bearer`; nil without it.
    public var bearer: String?

    public init(method: String, path: String, bearer: String? = nil) {
        self.method = method
        self.path = path
        self.bearer = bearer
    }
}

public enum HTTPAnswer: Sendable {
    case whole(status: Int, type: String, body: [UInt8], headers: [(String, String)])
    /// Server-sent events, until one end leaves.
    case events

    static func text(_ status: Int, _ text: String) -> HTTPAnswer {
        .whole(status: status, type: "text/plain; charset=utf-8", body: Array((text + "\n").utf8), headers: [])
    }

    static func json(_ text: String) -> HTTPAnswer {
        .whole(status: 200, type: "application/json", body: Array(text.utf8), headers: [("Cache-Control", "no-store")])
    }

    /// Another method than this path has.
    static func methods(_ allowed: String) -> HTTPAnswer {
        .whole(
            status: 405, type: "text/plain; charset=utf-8", body: Array("only \(allowed)\n".utf8),
            headers: [("Allow", allowed)])
    }
}

/// What strangers may cost at most.
public struct HTTPLimits: Sendable {
    /// Connections at once; more are closed as they come.
    public var connections = 64
    /// Of them those that wait for events.
    public var listeners = 32
    /// Bytes of one request, head and body.
    public var requestBytes = 16 << 10
    /// Seconds from one request to the next, and for one to arrive; the answer must leave in as many.
    public var patience = 20.0

    public init() {}
}
