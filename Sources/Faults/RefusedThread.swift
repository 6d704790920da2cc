import Glibc

extension Fault {
    /// The fault of a thread that the system does not start; `error` is what `pthread_create` returned.
    public static func refusedThread(_ name: String, _ error: Int32) -> Fault {
        Fault(
            .stoppedEarly, "thread '\(name)'", "the system does not start it: \(String(cString: strerror(error)))",
            mend: "let this user or container have more processes (ulimit -u, pids.max, TasksMax) or more memory")
    }

    /// Ends the process at once with the fault's line and code, for what nobody could go on from.
    public func endProcess() -> Never {
        let line = Array("zoetrope: \(self)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        _exit(code.rawValue)
    }
}
