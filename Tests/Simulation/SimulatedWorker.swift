import Training
import Wire
import Worker

/// A worker process: the machine, a compute thread that does one thing after the other, and its luck.
final class SimulatedWorker {
    var machine: Worker
    let name: String
    let unitSeconds: Double
    /// What the compute thread still has to do.
    var queue: [WorkerDirective] = []
    var isComputing = false
    var loaded: [[Float]]
    /// SIGSTOP: nothing happens before.
    var stoppedUntil = 0.0
    var cancelled: Set<UInt64> = []
    /// Units that came off its compute thread.
    var units = 0
    var connected: Set<Incarnation> = []

    init(machine: Worker, name: String, unitSeconds: Double, chunks: Int) {
        self.machine = machine
        self.name = name
        self.unitSeconds = unitSeconds
        loaded = Array(repeating: [], count: chunks)
    }
}
