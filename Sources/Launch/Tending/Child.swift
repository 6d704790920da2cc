import Faults
import Glibc

/// A child process in a process group of its own, with the signals' meanings as a shell gives them.
struct Child {
    let process: pid_t

    /// - Parameters:
    ///   - command: The program, looked for in `PATH` when it has no slash, and its arguments.
    ///   - environment: As `NAME=VALUE`; nil: this process's.
    ///   - input: Descriptors of its standard input, output and error; nil: this process's own, and nothing to read.
    /// - Throws: `Fault.usage` when there is no such program, `Fault.internal` when the system has no room for another
    ///   process.
    init(
        _ command: [String], environment: [String]? = nil, input: Int32? = nil, output: Int32? = nil,
        errors: Int32? = nil
    ) throws(Fault) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
        if let errors { posix_spawn_file_actions_adddup2(&actions, errors, 2) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // What this process ignores its children would ignore, too.
        for number in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR1] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // Control-C is for this process to answer.
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, flags)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = (environment ?? Self.environment).map { strdup($0) } + [nil]
        defer { for word in words + variables { free(word) } }
        var process: pid_t = 0
        let status = posix_spawnp(&process, command.first ?? "", &actions, &attributes, &words, &variables)
        guard status == 0 else {
            throw Fault(
                Self.shortages[status] == nil ? .usage : .internal, command.first ?? "",
                "cannot be started: \(String(cString: strerror(status)))", mend: Self.shortages[status] ?? "")
        }
        self.process = process
    }

    /// What the system may lack now and have later, and what to do about it.
    private static let shortages = [
        EMFILE: Pipe.mend, ENFILE: Pipe.mend, EAGAIN: "raise 'ulimit -u'", ENOMEM: "end something that needs memory",
    ]

    /// This process's, as `NAME=VALUE`.
    static var environment: [String] {
        var variables: [String] = []
        var next = environ
        while let variable = next.pointee {
            variables.append(String(cString: variable))
            next += 1
        }
        return variables
    }

    func signal(_ number: Int32) { kill(process, number) }

    /// The process and all of its group.
    func killGroup() { kill(-process, SIGKILL) }

    /// How it ended, without waiting; nil while it runs. Once only.
    func ending() -> Exit? { ending(WNOHANG) }

    /// Waits for its end.
    func wait() -> Exit {
        while true { if let exit = ending(0) { return exit } }
    }

    private func ending(_ options: Int32) -> Exit? {
        var status: Int32 = 0
        guard waitpid(process, &status, options) == process else { return nil }
        // Glibc's macros WIFSIGNALED and its kin are not imported.
        let number = status & 0x7F
        return number == 0 ? .code(status >> 8 & 0xFF) : .signal(number)
    }
}
