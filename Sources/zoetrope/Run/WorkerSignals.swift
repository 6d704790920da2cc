import Glibc
import Reporting
import Synchronization
import Worker

/// What signals ask of a worker, from its first moments on: until it is at work it holds nothing, and leaves at once.
final class WorkerSignals: Sendable {
    private let name: String
    private let shell = Mutex<WorkerShell?>(nil)
    private let returns = Atomic(false)

    /// Heeds them.
    /// - Parameter isOfCommand: It is started, and ended, by a command that has the same signals.
    init(of name: String, isOfCommand: Bool) {
        self.name = name
        if isOfCommand {
            // Control-C and a scheduler's SIGUSR1 reach the whole group: the coordinator, not the signal, ends its workers.
            signal(SIGINT, SIG_IGN)
            signal(SIGUSR1, SIG_IGN)
            onSignals([SIGTERM]) { self.leave(code: 0) }
        } else {
            onSignals([SIGTERM, SIGINT]) { self.leave(code: 0) }
            onSignals([SIGUSR1]) {
                self.returns.store(true, ordering: .sequentiallyConsistent)
                self.leave(code: 75)
            }
        }
    }

    /// SIGUSR1 came: it is to be run again.
    var isToReturn: Bool { returns.load(ordering: .sequentiallyConsistent) }

    /// The worker is at work from now on, and hands back what it has before it leaves.
    func begin(_ worker: WorkerShell) { shell.withLock { $0 = worker } }

    private func leave(code: Int32) {
        shell.withLock { worker in
            if let worker {
                worker.drain()
            } else {
                // Under the lock, so that it does not begin meanwhile.
                standardError("zoetrope: \(name): leaves: told to leave before it joined\n")
                flushStandardError()
                _exit(code)
            }
        }
    }
}
