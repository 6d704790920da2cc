import Coordinator
import Faults
import Protocol
import Synchronization
import Wire

/// A coordinator of the toy in threads of the test's process.
final class ToyCoordinator: Sendable {
    private let shell: CoordinatorShell
    private let thread: DedicatedThreadWithResult<Ending>
    private let log: Log

    /// Where the state before the first step comes from.
    enum Initial {
        case state(InitialState)
        /// The file is no longer there: whoever asks for it is told so.
        case gone

        static let fault = Fault(.data, "weights", "are gone")

        var source: () throws(Fault) -> InitialState {
            func give() throws(Fault) -> InitialState {
                guard case .state(let state) = self else { throw Initial.fault }
                return state
            }
            return give
        }
    }

    /// What it told its observer.
    private final class Log: Sendable {
        struct Lines {
            var steps: [Int] = []
            var notes: [ClusterNote] = []
            var refused = 0
            var shell: CoordinatorShell?
        }

        let lines = Mutex(Lines())
    }

    /// - Parameter onCommit: Called with the coordinator at each step that is committed for the first time.
    init(
        run: String, steps: Int, workers: Int, checkpointEvery: Int = 4,
        initial: Initial? = nil, listen: String = "tcp://127.0.0.1:0", security: Security = .loopback,
        onCommit: @escaping @Sendable (_ shell: CoordinatorShell, _ step: Int) -> Void = { _, _ in }
    ) throws {
        let log = Log()
        shell = try CoordinatorShell(
            directory: try RunDirectory(run),
            settings: Toy.settings(
                steps: steps, workers: workers, checkpointEvery: checkpointEvery, timing: Toy.timing),
            layout: try Toy.layout(), initial: initial?.source,
            listener: try CoordinatorShell.listen(at: listen, security: security),
            observer: CoordinatorShell.Observer(
                committed: { record, replayed in
                    let shell = log.lines.withLock { lines in
                        lines.steps.append(record.outcome.step)
                        return lines.shell
                    }
                    if let shell, !replayed { onCommit(shell, record.outcome.step) }
                },
                note: { note in log.lines.withLock { $0.notes.append(note) } },
                refused: { _ in log.lines.withLock { $0.refused += 1 } }))
        let shell = shell
        log.lines.withLock { $0.shell = shell }
        self.log = log
        thread = DedicatedThreadWithResult(name: "coordinator") { shell.run() }
    }

    var endpoint: String { shell.endpoint }
    /// Steps as they were committed or replayed.
    var steps: [Int] { log.lines.withLock { $0.steps } }
    var notes: [ClusterNote] { log.lines.withLock { $0.notes } }

    /// Frames that were dropped, as far as they are told.
    var refusals: Int { log.lines.withLock { $0.refused } }

    func stop() { shell.stop(reason: "the test stops it") }

    /// Somebody says that a process has ended: a lie where it lives.
    func processEnded(_ process: Int) { shell.processEnded(process) }

    /// Waits for its end; afterwards the run directory is free.
    func wait() -> Ending {
        defer { log.lines.withLock { $0.shell = nil } }
        return thread.wait()
    }
}
