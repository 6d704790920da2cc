import Glibc

/// The names under which a server may be asked.
///
/// A web site may let a name of its own mean this machine (DNS rebinding): a visitor's browser then takes what is served here
/// for that site's, and lets its scripts read it. Which name it was, the browser says in `Host`. An address means nothing else,
/// whoever says it.
struct OwnNames: Sendable {
    private let names: Set<String>

    /// - Parameter others: besides that of the address; a name with a domain counts without it, too.
    init(_ address: DashboardAddress, and others: [String]) {
        let short = others.compactMap { $0.split(separator: ".").first.map(String.init) }
        names = Set((["localhost", address.host] + others + short).map { $0.lowercased() })
    }

    /// - Parameter field: what stands in `Host`: a name or an address, with a port or without.
    func contains(_ field: String) -> Bool {
        var host = field.lowercased()[...]
        // An IPv6 address has colons of its own, and brackets round them.
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard host[host.index(after: colon)...].utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
            host = host[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { return Self.isAddress(host.dropFirst().dropLast(), AF_INET6) }
        if host.hasSuffix(".") { host = host.dropLast() }
        return names.contains(String(host)) || Self.isAddress(host, AF_INET)
    }

    private static func isAddress(_ text: Substring, _ family: Int32) -> Bool {
        var address = in6_addr()
        return inet_pton(family, String(text), &address) == 1
    }
}
