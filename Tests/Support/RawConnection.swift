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

    /// Nothing more will come.
    public func finish() { shutdown(descriptor, Int32(SHUT_WR)) }
}
