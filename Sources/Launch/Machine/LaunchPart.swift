/// A process of a launch.
public enum LaunchPart: Hashable, Sendable, CustomStringConvertible {
    case coordinator
    /// The worker of the host of that name.
    case worker(String)

    public var description: String {
        switch self {
        case .coordinator: "coordinator"
        case .worker(let host): host
        }
    }
}

/// How a process ended.
public enum Exit: Equatable, Sendable {
    case code(Int32)
    case signal(Int32)
    /// What carried it has ended, and nobody knows about the process.
    case lost
    /// It has never run: the launch's own machine lacked what a process needs.
    case notStarted
}

/// What a person or a scheduler asks of a launch.
public enum Wish: Sendable, Equatable {
    /// Write a checkpoint and stop: SIGTERM, SIGUSR1, the first SIGINT.
    case stop(signal: Int32)
    /// At once: the second SIGINT.
    case abort
}
