import Faults
import Glibc

/// Hears of a process that it is ready and when it is at its end, as systemd does: a datagram socket whose name is in
/// `NOTIFY_SOCKET`.
final class NoticeSocket {
    let descriptor: Int32
    private let name: String

    /// Without a file: the name is in Linux's abstract space and goes with the socket.
    /// - Throws: `Fault.internal` when the system has no socket.
    init() throws(Fault) {
        var generator = SystemRandomNumberGenerator()
        name = "@zoetrope-\(getpid())-" + String(generator.next(), radix: 16)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let isBound = descriptor >= 0 && withNoticeAddress(name) { bind(descriptor, $0, $1) } == 0
        guard isBound, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
            throw Fault(.internal, "launch", "no socket can be made: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// For a process whose notices come here; the launch's own supervisor is none of its business.
    var environment: [String] {
        Child.environment.filter { !$0.hasPrefix("NOTIFY_SOCKET=") && !$0.hasPrefix("WATCHDOG_") }
            + ["NOTIFY_SOCKET=\(name)"]
    }

    /// What has been said since the last time, as far as a launch wants to know.
    func reports() -> [TendReport] {
        var reports: [TendReport] = []
        while case .bytes(let bytes) = Reading(descriptor) {
            for word in bytes.split(separator: 10) {
                if word.elementsEqual("READY=1".utf8) { reports.append(.ready) }
                if word.elementsEqual("STOPPING=1".utf8) { reports.append(.stopping) }
            }
        }
        return reports
    }
}

/// The address of a notice socket, a path or `@` and an abstract name.
func withNoticeAddress<Result>(
    _ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8.prefix(MemoryLayout.size(ofValue: address.sun_path) - 1))
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
}
