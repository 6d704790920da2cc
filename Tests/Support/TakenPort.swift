import Faults
import Glibc

/// A port of loopback that somebody has, until this object goes.
public final class TakenPort {
    public let number: Int
    private let descriptor: Int32

    /// - Parameter number: 0 takes a free one.
    /// - Throws: a `Fault` when somebody has it already.
    public init(_ number: Int = 0) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(number).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isTaken = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        self.number = Int(UInt16(bigEndian: address.sin_port))
        guard isTaken else { throw Fault(.internal, "port \(number)", String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }
}

/// A port of loopback that nobody has at the moment.
public func freePort() throws -> Int { try TakenPort().number }
