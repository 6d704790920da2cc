import Faults
import Foundation
import Protocol
import Reporting
import Synchronization

/// The worker processes of a `train` command: started once, never again, ended with it.
final class LocalWorkers: Sendable {
    private struct State {
        var processes: [Process] = []
        /// How many have ended, of so many that are wanted: those that are not started yet have not ended.
        var ended = 0
        var wanted = 0
        /// Of those that have ended by themselves.
        var codes: [Int32] = []
    }

    private let state = Mutex(State())

    /// Starts `count` workers of this same program.
    /// - Parameters:
    ///   - command: What the workers are: of training, or of a test.
    ///   - slices: a processor for each compute thread of each worker; nil: they are not bound.
    ///   - options: More of them, the same for each.
    ///   - onEnd: Called when one has ended, from any thread, with its number and whether it was the last.
    /// - Throws: `Fault.internal` when the system refuses.
    func start(
        _ count: Int, command: String = "worker", endpoint: String, threads: Int, slices: [[Int]]?, options: [String],
        onEnd: @escaping @Sendable (_ process: Int, _ isLast: Bool) -> Void
    ) throws(Fault) {
        state.withLock { $0.wanted = count }
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
            process.terminationHandler = { [self] process in
                let isLast = state.withLock {
                    $0.ended += 1
                    if process.terminationReason == .exit { $0.codes.append(process.terminationStatus) }
                    return $0.ended == $0.wanted
                }
                onEnd(Int(process.processIdentifier), isLast)
            }
            do { try process.run() } catch {
                throw Fault(.internal, "worker \(number)", "cannot be started: \(error.localizedDescription)")
            }
            state.withLock { $0.processes.append(process) }
        }
    }

    /// Waits for all of them; they were told to stop. One that is stopped or hangs is killed after a while: its run is over,
    /// and it must not keep the command from ending.
    func wait() {
        let clock = MonotonicClock()
        // Whoever has not joined yet would look for a coordinator that is gone; the others have been told to stop.
        for process in processes where process.isRunning { process.terminate() }
        while running > 0, clock.now < Self.patience { usleep(20_000) }
        for process in processes where process.isRunning {
            standardError("zoetrope: worker process \(process.processIdentifier) does not end and is killed\n")
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Seconds.
    private static let patience = 15.0

    /// Ends them at once, wherever they are.
    func kill() {
        for process in processes where process.isRunning {
            _ = Foundation.kill(process.processIdentifier, SIGKILL)
        }
    }

    /// With what all of them have ended, where that is what the same command would end with again: they cannot take part
    /// (64), or have bad data (65).
    var refusal: Fault.Code? {
        let (codes, wanted) = state.withLock { ($0.codes, $0.wanted) }
        let refusals = codes.compactMap(Fault.Code.init(rawValue:)).filter { [.usage, .data].contains($0) }
        return refusals.count == wanted ? refusals.max { $0.rawValue < $1.rawValue } : nil
    }

    /// How many still run.
    var running: Int { processes.count { $0.isRunning } }

    private var processes: [Process] { state.withLock { $0.processes } }
}
