public import Faults

/// Where a page or metrics are served: `HOST:PORT`, one address of the machine's own. Port 0 takes a free one.
public struct DashboardAddress: Sendable, Equatable {
    public let host: String
    public let port: Int

    /// - Parameter about: The option or key that it comes from, for people.
    /// - Throws: `Fault.usage` for what is no such address, and for wildcards.
    public init(_ text: String, about: String) throws(Fault) {
        var host = Substring(text)
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { throw Self.malformed(text, about) }
        host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.allSatisfy({ $0.isLetter || $0.isNumber || ".:-_%".contains($0) }) else {
            throw Self.malformed(text, about)
        }
        guard !["0.0.0.0", "::", "*"].contains(String(host)) else {
            throw Fault(
                .usage, about, "'\(text)' would listen on every interface",
                mend: "name one address of this machine: 127.0.0.1:\(port), or an interface's")
        }
        self.host = String(host)
        self.port = port
    }

    private static func malformed(_ text: String, _ about: String) -> Fault {
        Fault(.usage, about, "'\(text)' is no HOST:PORT", mend: "for example 127.0.0.1:8017; port 0 takes a free one")
    }

    /// `HOST:PORT` with another port, as a URL has it.
    public func text(port: Int) -> String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// Whether only this machine reaches it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
    }
}
