import Faults
import Foundation
import Protocol
import Reporting
import Synchronization

/// The worker processes of a `train` command: started once, never again, ended with it.
final class LocalWorkers: Sendable {
    private let processes = Mutex<[Process]>([])

    /// Starts `count` workers of this same program.
    /// - Parameters:
    ///   - command: What the workers are: of training, or of a test.
    ///   - slices: a processor for each compute thread of each worker; nil: they are not bound.
    ///   - options: More of them, the same for each.
    ///   - onEnd: Called with the process's number when one has ended, from any thread.
    /// - Throws: `Fault.internal` when the system refuses.
    func start(
        _ count: Int, command: String = "worker", endpoint: String, threads: Int, slices: [[Int]]?, options: [String],
        onEnd: @escaping @Sendable (Int) -> Void
    ) throws(Fault) {
        for number in 0..<count {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments =
                [
                    command, "--join", endpoint, "--threads", "\(threads)", "--name", "worker-\(number)", "--parent",
                    "\(getpid())",
                ] + options
            if let cores = slices?[number] {
                process.arguments?.append(contentsOf: ["--cores", cores.map(String.init).joined(separator: ",")])
            }
            process.standardInput = FileHandle.nullDevice
            process.terminationHandler = { onEnd(Int($0.processIdentifier)) }
            do { try process.run() } catch {
                throw Fault(.internal, "worker \(number)", "cannot be started: \(error.localizedDescription)")
            }
            processes.withLock { $0.append(process) }
        }
    }

    /// Waits for all of them; they were told to stop. One that is stopped or hangs is killed after a while: its run is over,
    /// and it must not keep the command from ending.
    func wait() {
        let clock = MonotonicClock()
        while running > 0, clock.now < Self.patience { usleep(20_000) }
        for process in processes.withLock({ $0 }) where process.isRunning {
            standardError("zoetrope: worker process \(process.processIdentifier) does not end and is killed\n")
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Seconds.
    private static let patience = 15.0

    /// Ends them at once, wherever they are.
    func kill() {
        for process in processes.withLock({ $0 }) where process.isRunning {
            _ = Foundation.kill(process.processIdentifier, SIGKILL)
        }
    }

    /// How many still run.
    var running: Int { processes.withLock { $0.count { $0.isRunning } } }
}
