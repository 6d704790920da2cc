import Glibc

/// What a process tells its supervisor, by the protocol of sd_notify(3): datagrams to the socket in `NOTIFY_SOCKET`.
public struct ServiceNotice: Sendable {
    private let socket: String
    /// Seconds within which the supervisor wants to hear of this process; nil: it does not.
    public let watchdog: Double?

    /// Nil without a supervisor that wants to be told.
    /// - Parameters:
    ///   - variable: The value of an environment variable.
    ///   - process: This one; the watchdog may be meant for another.
    public init?(_ variable: (String) -> String?, process: Int32) {
        guard let socket = variable("NOTIFY_SOCKET"), socket.hasPrefix("/") || socket.hasPrefix("@"),
            socket.utf8.count > 1,
            socket.utf8.count < 108
        else { return nil }
        self.socket = socket
        let isMeant = variable("WATCHDOG_PID").map { $0 == "\(process)" } ?? true
        watchdog = variable("WATCHDOG_USEC").flatMap { Double($0) }.flatMap { isMeant && $0 > 0 ? $0 * 1e-6 : nil }
    }

    /// Of this process.
    public static let system = ServiceNotice(environmentVariable, process: getpid())

    /// The process does what it is for.
    public func ready() { send("READY=1") }
    /// It is told to end and does.
    public func stopping() { send("STOPPING=1") }
    /// What it does at its beginning or its end takes longer than such things may: so many seconds more are asked for.
    public func extend(seconds: Int) { send("EXTEND_TIMEOUT_USEC=\(seconds)000000") }
    /// One line for people: `systemctl status` shows it.
    public func status(_ text: String) { send("STATUS=" + text.prefix { !$0.isNewline }) }
    /// It lives.
    public func alive() { send("WATCHDOG=1") }

    /// What nobody hears is lost, as the protocol has it; a supervisor that does not read is not waited for.
    private func send(_ text: String) {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        _ = withNoticeAddress(socket) {
            sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0, $1)
        }
    }
}

/// The value of a variable of this process's environment.
public func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
