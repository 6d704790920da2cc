public import Faults
import Glibc

/// `tcp://HOST:PORT` taken apart: the only kind of address that sockets here listen on or connect to.
///
/// Strict, because addresses arrive from the network too (`MemberAddress`): no other transport, no second address behind
/// a semicolon, nothing that ZeroMQ might read in another way than the checks do.
struct Endpoint {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    let host: String

    /// - Throws: `Fault.usage` for what is no such address.
    init(_ text: String) throws(Fault) {
        func fault() -> Fault {
            Fault(.usage, text, "is no address", mend: "an address looks like tcp://HOST:PORT")
        }
        guard text.utf8.count <= 300, text.hasPrefix("tcp://"), let colon = text.lastIndex(of: ":") else {
            throw fault()
        }
        let port = text[text.index(after: colon)...]
        guard port == "*" || (UInt16(port) != nil && port.utf8.allSatisfy { (48...57).contains($0) }) else {
            throw fault()
        }
        let start = text.index(text.startIndex, offsetBy: 6)
        guard start < colon else { throw fault() }
        var host = text[start..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw fault()
        }
        let isPlain = host.utf8.allSatisfy { byte in
            (97...122).contains(byte | 32) || (48...57).contains(byte) || "*.-_:%".utf8.contains(byte)
        }
        guard !host.isEmpty, isPlain else { throw fault() }
        self.host = String(host)
    }

    /// Every interface of the machine at once.
    var isWildcard: Bool { host == "*" || addresses.contains { $0.isAny } }

    /// Whether every address that the host has is this machine talking to itself. A name that nobody knows is not.
    var isLoopback: Bool {
        let addresses = addresses
        return !addresses.isEmpty && addresses.allSatisfy { $0.isLoopback }
    }

    /// The address of this machine from which packets to the host leave, as it stands in an address; nil when there is
    /// no way. Sends nothing.
    var localAddress: String? {
        for address in addresses {
            if let local = address.local { return local }
        }
        return nil
    }

    private var addresses: [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard host != "*", getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [Address] = []
        var next = list
        while let entry = next {
            if let address = Address(entry.pointee) { found.append(address) }
            next = entry.pointee.ai_next
        }
        return found
    }
}

/// The address of this machine by which it reaches `endpoint`, as it stands in an address (IPv6 in brackets).
/// - Throws: `Fault.usage` when the endpoint is no address, `Fault.stoppedEarly` when there is no way to it now: names of
///   machines and pods that are about to start are not known yet, nor is anything before the network is up.
public func localAddress(towards endpoint: String) throws(Fault) -> String {
    guard let address = try Endpoint(endpoint).localAddress else {
        throw Fault(
            .stoppedEarly, endpoint, "this machine knows no way to it",
            mend: "check the name and the network, or set worker.data_host in cluster.conf")
    }
    return address
}

/// Whether `endpoint` is an address of this machine's that no other machine reaches.
/// - Throws: `Fault.usage` when it is no address.
public func isThisMachineOnly(_ endpoint: String) throws(Fault) -> Bool { try Endpoint(endpoint).isLoopback }

/// One address of the system's resolver.
struct Address {
    private let storage: sockaddr_storage
    private let length: socklen_t

    fileprivate init?(_ entry: addrinfo) {
        guard [AF_INET, AF_INET6].contains(entry.ai_family), let bytes = entry.ai_addr,
            Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        var storage = sockaddr_storage()
        memcpy(&storage, bytes, Int(entry.ai_addrlen))
        self.storage = storage
        length = entry.ai_addrlen
    }

    /// The other end of a connection; nil when it is gone already.
    init?(peerOf descriptor: Int32) {
        guard let found = Self.asked({ getpeername(descriptor, $0, $1) }) else { return nil }
        self = found
    }

    private init?(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    private static func asked(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Address? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
        }
        return result == 0 ? Address(storage: storage, length: length) : nil
    }

    private func withAddress<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }

    /// The address's own bytes: 4 or 16.
    private var bytes: [UInt8] {
        withUnsafeBytes(of: storage) { raw in
            switch Int32(storage.ss_family) {
            case AF_INET: Array(raw[4..<8])
            case AF_INET6: Array(raw[8..<24])
            default: []
            }
        }
    }

    /// IPv4's four bytes, also where they stand in an IPv6 address (`::ffff:127.0.0.1`).
    private var four: ArraySlice<UInt8>? {
        let bytes = bytes
        if bytes.count == 4 { return bytes[...] }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        return bytes.count == 16 && Array(bytes[..<12]) == mapped ? bytes[12...] : nil
    }

    fileprivate var isLoopback: Bool {
        if let four { return four.first == 127 }
        return bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    fileprivate var isAny: Bool { (four.map(Array.init) ?? bytes).allSatisfy { $0 == 0 } }

    /// Without port, IPv6 without brackets.
    var text: String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = withAddress {
            getnameinfo($0, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        }
        guard result == 0 else { return "an unknown address" }
        let whole = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        return Self.plain(whole)
    }

    /// IPv4 addresses in their own form where they stand in IPv6's.
    static func plain(_ text: String) -> String {
        text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
    }

    /// Where a datagram to this address would leave the machine; the kernel says so without sending one.
    fileprivate var local: String? {
        let descriptor = socket(Int32(storage.ss_family), Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var target = self
        // A port is needed to connect; which one does not matter. It is the second field of both families.
        withUnsafeMutableBytes(of: &target) { $0.storeBytes(of: UInt16(9).bigEndian, toByteOffset: 2, as: UInt16.self) }
        guard target.withAddress({ connect(descriptor, $0, length) }) == 0,
            let own = Self.asked({ getsockname(descriptor, $0, $1) })
        else { return nil }
        return own.bytes.count == 16 ? "[\(own.text)]" : own.text
    }
}
