import Faults
import Glibc

/// A TCP connection to an endpoint of this machine, for bytes that no ZeroMQ would send.
public final class RawConnection {
    private let descriptor: Int32

    /// - Parameter endpoint: `tcp://127.0.0.1:PORT`.
    public init(_ endpoint: String) throws {
        guard let port = UInt16(endpoint.split(separator: ":").last ?? "") else {
            throw Fault(.internal, endpoint, "has no port")
        }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Fault(.internal, endpoint, "cannot be reached: error \(errno)") }
    }

    deinit { close(descriptor) }

    /// Whether all of it went out.
    public func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// All that still comes, until the other end closes or says nothing for ten seconds.
    public func rest() -> String {
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nothing more will come.
    public func finish() { shutdown(descriptor, Int32(SHUT_WR)) }
}
