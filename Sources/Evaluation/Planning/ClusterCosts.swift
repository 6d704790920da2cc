public import Faults
public import Kernels
public import Models
import Protocol
import Randomness
import Storage
public import Training
import Wire

extension ClusterPlan.Costs {
    /// Measures on this machine what a worker's parts cost: a few seconds for a network of average size.
    ///
    /// - Parameters:
    ///   - N: clips of a unit.
    ///   - keys: the folder of the job's keys, for encrypted connections.
    ///   - disk: a folder on the disk of the coordinator's run: a ledger is written in it and removed again.
    ///   - decodeSecondsPerClip: as measured elsewhere; 0 leaves decoding out.
    /// - Throws: a usage `Fault` for an unknown convolution, the sockets', the keys' and the disk's.
    public static func measured(
        _ network: NetworkDescription, N: Int, pool: ThreadPool, instructionSet: InstructionSet,
        implementation: Convolution.Choice, policy: MemoryPolicy = MemoryPolicy(), optimizer: OptimizerSettings,
        keys: String?, disk: String, decodeSecondsPerClip: Double
    ) throws(Fault) -> Self {
        let (unitSeconds, gradients) = try unit(
            network, N: N, pool: pool, instructionSet: instructionSet, implementation: implementation,
            policy: policy)
        let security = try keys.map { (folder) throws(Fault) in
            try Security(keys: folder, insecure: false, role: .worker)
        }
        let bench = try NetworkBench(
            listener: security ?? .loopback, sender: security ?? .loopback, part: 4 << 20, seconds: 1)
        let memory = MemoryCosts(model: gradients.reduce(0) { $0 + $1.bytes }, optimizer: optimizer)
        return Self(
            unitSeconds: unitSeconds, gradients: gradients, slots: optimizer.slots.count,
            wireSecondsPerByte: bench.processorSeconds / Double(bench.bytes), copySecondsPerByte: memory.copy,
            sumSecondsPerByte: memory.sum, digestSecondsPerByte: memory.digest, updateSecondsPerByte: memory.update,
            decodeSecondsPerClip: decodeSecondsPerClip,
            commitSeconds: try append(in: disk) + roundTrip(security ?? .loopback))
    }

    /// Seconds of appending a record of a step to a ledger of its own in `disk`, flushed as the coordinator's is: the median
    /// of 21, after one that makes the segment.
    static func append(in disk: String) throws(Fault) -> Double {
        let folder = disk + "/zoetrope-ledger-" + String(UInt64.random(in: 0...(.max)), radix: 16)
        let record = LedgerRecord(
            outcome: StepOutcome(
                step: 0, firstPosition: 0, clips: 1, loss: 1, correct: 0, gradientNorm: 1, gradientDigest: 0, rate: 0.1,
                coefficient: 1, skipped: false, substitutes: []), generation: 1, map: 1, workers: 1, seconds: 1
        ).encoded
        defer { try? removeTree(folder) }
        do {
            let log = try AppendOnlyLog(directory: folder)
            let clock = MonotonicClock()
            let seconds = try (0..<22).map { _ in
                let begin = clock.now
                try log.append([record])
                return clock.now - begin
            }
            return median(Array(seconds.dropFirst()))
        } catch let fault as Fault { throw fault } catch { throw Fault(.internal, folder, "\(error)") }
    }

    /// Seconds from a message to its answer between two threads over loopback, the mean of a quarter of a second. Links
    /// between machines add theirs, which are short beside a disk's flush.
    private static func roundTrip(_ security: Security) throws(Fault) -> Double {
        let bench = try NetworkBench(listener: security, sender: security, part: 1, seconds: 0.25, underWay: 1)
        return bench.seconds / Double(bench.bytes)
    }

    /// The median of five units, and when its gradients were there: copied, as the compute thread hands them on.
    private static func unit(
        _ network: NetworkDescription, N: Int, pool: ThreadPool, instructionSet: InstructionSet,
        implementation: Convolution.Choice, policy: MemoryPolicy
    ) throws(Fault) -> (seconds: Double, [Gradient]) {
        let pass = try TrainingPass(
            network, N: N, pool: pool, instructionSet: instructionSet, implementation: implementation,
            policy: policy)
        for index in network.parameters.indices {
            pass.setParameter(index, network.initialValue(parameter: index, seed: 0))
        }
        let draws = Draws(seed: 0, place: 0, purpose: .simulation)
        for i in pass.input.indices { pass.input[i] = 2 * draws.uniform(i) - 1 }
        let labels = (0..<N).map { $0 % network.classes }
        let clock = MonotonicClock()
        let memory = PayloadPool()
        var runs: [(seconds: Double, gradients: [Gradient])] = []
        for _ in 0..<6 {
            var copies: [Payload] = []
            let begin = clock.now
            var gradients: [Gradient] = []
            _ = pass.run(labels: labels) { parameter, gradient in
                copies.append(memory.payload(copying: UnsafeRawBufferPointer(gradient)))
                gradients.append(Gradient(seconds: clock.now - begin, bytes: 4 * gradient.count))
            }
            runs.append((clock.now - begin, gradients))
            withExtendedLifetime(copies) {}
        }
        // The first warms up.
        let sorted = runs.dropFirst().sorted { $0.seconds < $1.seconds }
        return sorted[sorted.count / 2]
    }
}
