public import Faults
import Glibc
import Storage

/// A process that looks at videos, one after the other, so that what crashes or hangs is not ours.
///
/// It gets a path a line and answers each with a line (`Examined.text`), over a socket that is both its input and its output.
public final class ExaminerChild {
    /// How a question ended.
    enum Reply: Equatable {
        case answer(String)
        /// The child is gone; with this signal, or this exit code.
        case signal(Int32)
        case exit(Int32)
        /// No answer in time; the child is killed.
        case late
    }

    private var process: pid_t = 0
    private let socket: Int32
    private var received: [UInt8] = []

    /// - Parameter command: the program and its arguments.
    /// - Throws: an internal `Fault` when it does not start.
    public init(_ command: [String]) throws(Fault) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Fault(.internal, command[0], "cannot be started: \(Self.message(errno))")
        }
        socket = ends[0]
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let code = posix_spawn(&process, command[0], &actions, nil, arguments, environ)
        // All properties are set, so `deinit` runs and closes the socket: twice would close somebody else's file.
        guard code == 0 else { throw Fault(.internal, command[0], "cannot be started: \(Self.message(code))") }
    }

    deinit {
        close(socket)
        if process != 0 {
            kill(process, SIGKILL)
            _ = wait()
        }
    }

    var isAlive: Bool { process != 0 }

    /// Sends a line and waits for the line that answers it.
    /// - Parameter seconds: how long it may take.
    func ask(_ line: String, within seconds: Double) -> Reply {
        guard isAlive, send(line + "\n") else { return ended() }
        var left = seconds
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let answer = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return .answer(answer)
            }
            // Time counts that is waited here: what passes while both are stopped is not the child's.
            let slice = max(min(left, 1), 0)
            let begin = Self.now()
            var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, Int32(slice * 1000 + 1))
            left -= min(Self.now() - begin, slice)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                if left > 0 { continue }
                kill(process, SIGKILL)
                _ = wait()
                return .late
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            // A line without end is no answer of ours.
            guard count > 0, received.count < 1 << 20 else { return ended() }
            received += buffer[..<count]
        }
    }

    private func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            // A child that is gone must cost an error code, never a signal.
            let count = bytes[done...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    private func ended() -> Reply {
        guard isAlive else { return .exit(0) }
        // It closed its end, so it is ending; if it is not, it is made to.
        shutdown(socket, Int32(SHUT_RDWR))
        let status = wait()
        return status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }

    private func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        process = 0
        return status
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func message(_ number: Int32) -> String { String(cString: strerror(number)) }
}

/// What a child may use for one video.
public struct ExaminerLimits: Sendable, Equatable {
    /// On the clock, and of the processor.
    public var seconds = 120.0
    /// Of address space.
    public var memoryMiB = 4096

    public init() {}

    /// Applies to this process from now on, until called again: a child calls it before each video.
    public func apply() {
        var used = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &used)
        let soft = rlim_t(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + rlim_t(seconds.rounded(.up)) + 1
        Self.set(__rlimit_resource_t(RLIMIT_CPU.rawValue), soft)
        Self.set(__rlimit_resource_t(RLIMIT_AS.rawValue), rlim_t(memoryMiB) << 20)
        Self.set(__rlimit_resource_t(RLIMIT_CORE.rawValue), 0)
        // It has nothing to write to files.
        Self.set(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), 0)
    }

    private static func set(_ resource: __rlimit_resource_t, _ value: rlim_t) {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(value, limit.rlim_max)
        setrlimit(resource, &limit)
    }
}

/// Examines videos in a child, and makes a new one whenever it has lost one. For one thread at a time.
final class Examiner {
    /// What came of a question.
    enum Outcome {
        case answer(String)
        /// No answer: the video is of no use.
        case lost(CheckStage, String)
    }

    private let command: [String]
    private let limits: ExaminerLimits
    private var child: ExaminerChild?
    private var answered = 0

    init(command: [String], limits: ExaminerLimits) {
        self.command = command
        self.limits = limits
    }

    /// - Throws: an internal `Fault` when no child can be started.
    func ask(_ path: String) throws(Fault) -> Outcome {
        // What an older child left behind may have ended it: the video gets a second chance in a fresh one.
        for _ in 0..<2 {
            let isFresh = answered == 0
            let child: ExaminerChild
            if let old = self.child { child = old } else { child = try ExaminerChild(command) }
            self.child = child
            switch child.ask(path.oneLine, within: limits.seconds) {
            case .answer(let text):
                answered += 1
                return .answer(text)
            case .late:
                drop()
                return .lost(.limit, "took longer than \(Int(limits.seconds)) s")
            case .signal(let number):
                drop()
                if number == SIGXCPU { return .lost(.limit, "took more than \(Int(limits.seconds)) s of processor") }
                if isFresh { return .lost(.crash, "the decoder ended with \(Self.name(number))") }
            case .exit(let code):
                drop()
                if isFresh { return .lost(.crash, "the decoder ended with exit code \(code)") }
            }
        }
        return .lost(.crash, "the decoder ended")
    }

    /// - Throws: an internal `Fault` when no child can be started.
    func examine(_ path: String) throws(Fault) -> Examined {
        switch try ask(path) {
        case .answer(let text): Examined(text: text) ?? .bad(.crash, "the decoder answered nonsense")
        case .lost(let stage, let reason): .bad(stage, reason)
        }
    }

    private func drop() {
        child = nil
        answered = 0
    }

    private static func name(_ signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGBUS: "SIGBUS",
            SIGTRAP: "SIGTRAP", SIGKILL: "SIGKILL, as where memory is out",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
