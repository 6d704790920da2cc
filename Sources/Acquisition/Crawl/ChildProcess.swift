import Dispatch
import Faults
import Glibc
import Synchronization

/// Runs a program to its end: an argument vector, no shell, a process group of its own that can be ended as a whole.
enum ChildProcess {
    struct Result: Sendable, Equatable {
        /// The exit code; `nil` when a signal ended it.
        var code: Int32?
        /// The last bytes of what it wrote.
        var output: String
        var errors: String
        /// It was ended because its time was over.
        var isOverdue = false
    }

    /// Bytes of each stream that are kept.
    private static let kept = 64 << 10

    /// - Parameters:
    ///   - arguments: the program, looked up in `PATH` when it has no slash, and its arguments.
    ///   - seconds: after which it and its children are killed.
    /// - Throws: a usage `Fault` when there is no such program; `.stoppedEarly` when somebody asked to stop.
    static func run(_ arguments: [String], seconds: Double, cancellation: Cancellation) throws(Fault) -> Result {
        let (id, output, errors) = try start(arguments).get()
        defer { for file in [output, errors] { close(file) } }
        let end = now + seconds
        var streams = [Stream(file: output), Stream(file: errors)]
        var ending: Ending?
        var status: Int32 = 0
        var reaped: Double?
        // The streams end when the last of its children is gone, too; those that stay behind get a moment.
        while streams.contains(where: \.isOpen), reaped.map({ now < $0 + 1 }) ?? true {
            // First whether it has ended: this process may have been stopped itself, beyond the child's time.
            if reaped == nil, waitpid(id, &status, WNOHANG) == id { reaped = now }
            if ending == nil, reaped == nil {
                if cancellation.isCancelled { ending = .cancelled } else if now > end { ending = .overdue }
                if ending != nil { kill(-id, SIGKILL) }
            }
            wait(&streams, milliseconds: 50)
        }
        if streams.contains(where: \.isOpen) { kill(-id, SIGKILL) }
        // What they had written by then: a pipe holds no more.
        var reads = 0
        while reads < 2 * kept / Stream.readBytes, wait(&streams, milliseconds: 0) { reads += 1 }
        while reaped == nil, waitpid(id, &status, 0) < 0, errno == EINTR {}
        if ending == .cancelled { throw Fault(.stoppedEarly, arguments[0], "was stopped") }
        let isExit = status & 0x7F == 0
        return Result(
            code: isExit ? status >> 8 & 0xFF : nil, output: streams[0].text, errors: streams[1].text,
            isOverdue: ending == .overdue)
    }

    private enum Ending { case cancelled, overdue }

    private struct Stream {
        /// Bytes read at a time.
        static let readBytes = 16 << 10
        let file: Int32
        var isOpen = true
        var bytes: [UInt8] = []
        var text: String { String(decoding: bytes, as: UTF8.self) }

        mutating func read() {
            var buffer = [UInt8](repeating: 0, count: Self.readBytes)
            let count = Glibc.read(file, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
                if bytes.count > 2 * kept { bytes.removeFirst(bytes.count - kept) }
            } else if count == 0 || errno != EINTR && errno != EAGAIN {
                isOpen = false
            }
        }
    }

    /// - Returns: Whether there was something to read.
    @discardableResult
    private static func wait(_ streams: inout [Stream], milliseconds: Int32) -> Bool {
        var polled = streams.map { pollfd(fd: $0.isOpen ? $0.file : -1, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return false }
        for i in streams.indices where polled[i].revents != 0 { streams[i].read() }
        return true
    }

    /// One at a time: between the making of a pipe and its mark, another thread's child would inherit it, and keep the
    /// stream open.
    private static let starting = Mutex(())

    private static func start(_ arguments: [String]) -> Swift.Result<(id: pid_t, output: Int32, errors: Int32), Fault> {
        starting.withLock { _ in
            var (output, errors): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
            guard open(&output), open(&errors) else {
                for file in output + errors where file >= 0 { close(file) }
                return .failure(Fault(.internal, arguments[0], "cannot be given pipes"))
            }
            let started = spawn(arguments, output: output[1], errors: errors[1])
            for file in [output[1], errors[1]] { close(file) }
            if case .failure = started { for file in [output[0], errors[0]] { close(file) } }
            return started.map { ($0, output[0], errors[0]) }
        }
    }

    private static func spawn(_ arguments: [String], output: Int32, errors: Int32) -> Swift.Result<pid_t, Fault> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // What this process ignores its children would ignore, too.
        for number in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, flags)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var id: pid_t = 0
        let status = posix_spawnp(&id, arguments[0], &actions, &attributes, words, environ)
        guard status == 0 else {
            return .failure(Fault(.usage, arguments[0], "cannot be started: error \(status)"))
        }
        return .success(id)
    }

    /// Both ends stay with this process.
    private static func open(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        return ends.allSatisfy { fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }
    }

    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}
