import ArgumentParser
import Clips
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Protocol
import Reporting
import Training
import Worker

/// `zoetrope plan`.
struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how fast a cluster would train, what it would wait for, and what it needs.",
        discussion: """
            Measures on this machine what a unit, the sockets, sums, digests, the update, the ledger's disk (--disk) and (with \
            --data) decoding cost, and works out a step of --workers machines like it. A cluster may be somewhat \
            slower: docs/performance.md has the formula, and how near it came to clusters that ran.

              zoetrope plan recipes/kinetics-400/r2plus1d-18-8x112.toml --workers 64 --link 10Gbit
              zoetrope plan --model r2plus1d-18 --workers 64 --link 10Gbit --units 128 --epoch-clips 240000
            """)
    @Argument(help: "A recipe, and key=value for whatever is to be different; or --model.")
    var recipe: [String] = []
    @Option(help: "A network, as `zoetrope model list` prints it, in place of a recipe.")
    var model: String?
    @Option(help: "Frames of a clip, with --model.")
    var frames = 8
    @Option(help: "Rows and columns of a clip, with --model.")
    var size = 112
    @Option(help: "Gradient units of a step, with --model; without it, two for each worker.")
    var units: Int?
    @Option(help: "Clips of a unit, with --model.")
    var clipsPerUnit = 2
    @Option(name: [.long, .customLong("nodes")], help: "Workers, one on each machine.")
    var workers: Int
    @Option(help: "Each machine's link, both ways: 1Gbit, 10Gbit, 250Mbit.")
    var link: String
    @Option(help: "Clips of an epoch; without it the recipe's, or those of --data.")
    var epochClips: Int?
    @Option(help: "A packed data set: its clips are counted, and a few decoded.")
    var data: String?
    @Option(help: "Compute threads of a worker; 0 takes one for each core.")
    var threads = 0
    @Option(help: "Threads of a worker that decode.")
    var decodeThreads = 1
    @Option(help: "Workers that keep each part of the parameters.")
    var replicas = 2
    @Option(
        help:
            "A folder on the disk of the coordinator's run, where appending to a ledger is timed; without it, that of temporary files."
    )
    var disk: String?
    @Flag(help: "Workers recompute activations, as `worker --recompute` does.")
    var recompute = false
    @Flag(help: "Without keys, so without encryption.")
    var insecure = false
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard recipe.isEmpty != (model == nil) else { throw ValidationError("name either a recipe or a --model") }
        for (value, range, name) in [
            (workers, 1...65536, "workers"), (frames, 1...4096, "frames"), (size, 8...4096, "size"),
            (units ?? 1, 1...1_000_000, "units"), (clipsPerUnit, 1...4096, "clips-per-unit"),
            (epochClips ?? 1, 1...1_000_000_000, "epoch-clips"), (threads, ClusterConfiguration.threads, "threads"),
            (decodeThreads, 1...1024, "decode-threads"), (replicas, 1...16, "replicas"),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) \(value): choose \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// What is to be trained.
    private struct Job {
        var network: NetworkDescription
        var units: Int
        var clipsPerUnit: Int
        var optimizer: OptimizerSettings
        var instructionSet: InstructionSet
        var implementation = Convolution.Choice.auto
        /// 0 where nobody says.
        var epochClips: Int
        var decodeSecondsPerClip = 0.0
        var isMultigrid = false
    }

    func run() throws {
        let rate = try Self.bytesPerSecond(link)
        let job = try job()
        let policy = MemoryPolicy.ofWorker(recomputes: recompute, units: job.units)
        let count = computeThreads(threads)
        standardError("zoetrope: measuring units of \(job.network.name) with \(count) threads\n")
        let costs = try withKeys { keys throws(Fault) in
            try ClusterPlan.Costs.measured(
                job.network, N: job.clipsPerUnit, pool: ThreadPool(threads: count), instructionSet: job.instructionSet,
                implementation: job.implementation, policy: policy, optimizer: job.optimizer,
                keys: keys, disk: disk ?? NSTemporaryDirectory(), decodeSecondsPerClip: job.decodeSecondsPerClip)
        }
        let plan = ClusterPlan(
            costs,
            .init(
                workers: workers, units: job.units, clipsPerUnit: job.clipsPerUnit, replicas: replicas,
                bytesPerSecond: rate, computeThreads: count, decodeThreads: decodeThreads,
                processors: Cores.share))
        let memory =
            try TrainingMemory(
                job.network, N: job.clipsPerUnit, threads: count, instructionSet: job.instructionSet,
                implementation: job.implementation, policy: policy
            ).bytes
            + 4 * job.network.parameterCount * (1 + job.optimizer.slots.count * min(replicas, workers) / workers)
        let clipsPerSecond = Double(job.units * job.clipsPerUnit) / plan.stepSeconds
        let warnings = warnings(job, plan)
        result.report(
            [
                "step_s": .number(plan.stepSeconds), "clips_per_s": .number(clipsPerSecond),
                "epoch_s": job.epochClips > 0 ? .number(Double(job.epochClips) / clipsPerSecond) : .null,
                "efficiency": .number(plan.efficiency), "bottleneck": .string(plan.bottleneck.rawValue),
                "bytes_of_worker": .number(plan.bytesOfWorker), "memory_bytes": .integer(memory),
                "units": .integer(job.units), "units_of_busiest": .integer(plan.unitsOfBusiest),
                "unit_s": .number(costs.unitSeconds),
                "parts_s": .object(
                    ClusterPlan.Part.allCases.map { ($0.rawValue, .number(plan.seconds[$0] ?? 0)) }),
                "warnings": .array(warnings.map(JSON.string)),
            ], text: text(job, plan, memory: memory, clipsPerSecond: clipsPerSecond, warnings))
    }

    private func text(
        _ job: Job, _ plan: ClusterPlan, memory: Int, clipsPerSecond: Double, _ warnings: [String]
    ) -> String {
        var lines = [
            "\(job.network.name), clips of \(job.network.input): \(job.units) units of \(job.clipsPerUnit) clips on "
                + "\(workers) workers over links of \(link)"
        ]
        for part in ClusterPlan.Part.allCases {
            let seconds = plan.seconds[part] ?? 0
            lines.append(
                "  \(padded(part.rawValue, 11)) \(decimals(seconds, 3)) s  \(decimals(100 * seconds / plan.stepSeconds, 1)) %"
                    + (part == plan.bottleneck ? "  <- the most" : ""))
        }
        lines += [
            "  a step      \(decimals(plan.stepSeconds, 3)) s, \(hundredths(clipsPerSecond)) clips/s, \(percent(plan.efficiency)) of "
                + "\(workers) times one worker",
            "  each worker \(plan.unitsOfBusiest) units at most, \(decimals(plan.bytesOfWorker / 1e6, 1)) MB a step each way, "
                + "\(memory >> 20) MiB of memory",
        ]
        if job.epochClips > 0 {
            let seconds = Double(job.epochClips) / clipsPerSecond
            lines.append("  an epoch    \(job.epochClips) clips: \(duration(seconds))")
        }
        if job.decodeSecondsPerClip == 0 { lines.append("  decoding was not counted: --data measures it") }
        if job.isMultigrid {
            lines.append(
                "  multigrid: these are steps of whole clips; the others compute about as long and draw more, smaller clips"
            )
        }
        return (lines + warnings.map { "WARN: \($0)" }).joined(separator: "\n")
    }

    private func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(decimals(seconds, 1)) s"
        case ..<7200: "\(decimals(seconds / 60, 1)) min"
        case ..<172_800: "\(decimals(seconds / 3600, 1)) h"
        default: "\(decimals(seconds / 86_400, 1)) days"
        }
    }

    private func warnings(_ job: Job, _ plan: ClusterPlan) -> [String] {
        var warnings: [String] = []
        let mend = "raise batch.units (and the learning rate with it, after a warm-up)"
        if plan.idleWorkers > 0 {
            warnings.append(
                "\(plan.idleWorkers) workers would never compute: a step has \(job.units) units; \(mend)")
        } else if 2 * workers > job.units {
            warnings.append(
                "a step of \(job.units) units leaves less than two for each worker, so that a slow one delays all; \(mend)"
            )
        } else if job.units % workers != 0 {
            warnings.append(
                "\(job.units) units do not divide among \(workers) workers: some compute \(plan.unitsOfBusiest), some less"
            )
        }
        return warnings
    }

    // MARK: - What is asked for

    private func job() throws -> Job {
        let set = try data.map { (directory) throws(Fault) in try PackedSet(directory: directory, split: "train") }
        if let model {
            let network = try NetworkDescription(named: model, classes: 400, frames: frames, size: size)
            return Job(
                network: network, units: units ?? 2 * workers, clipsPerUnit: clipsPerUnit,
                optimizer: OptimizerSettings(.sgd(.init(momentum: 0.9, nesterov: false, convention: .rateOutside))),
                instructionSet: .best, epochClips: epochClips ?? set?.count ?? 0)
        }
        let document = try RunPreparation.document(recipe: recipe[0], assignments: Array(recipe.dropFirst()))
        let recipe = try Recipe.read(document).recipe
        let classes = recipe.model.classes == 0 ? set?.classes.count ?? 400 : recipe.model.classes
        var job = Job(
            network: try recipe.network(classes: classes), units: recipe.batch.units,
            clipsPerUnit: recipe.batch.clipsPerUnit, optimizer: recipe.update,
            instructionSet: try .choose(recipe.numerics),
            epochClips: epochClips ?? recipe.clipsPerEpoch(dataSetClips: set?.count ?? 0),
            isMultigrid: recipe.multigrid != nil)
        job.implementation = recipe.numerics.convolutionChoice
        if let set { job.decodeSecondsPerClip = try Self.decodeSeconds(set, try recipe.clipSettings()) }
        return job
    }

    /// The mean over clips of the training stream, after one that is slow because it is the first.
    private static func decodeSeconds(_ set: PackedSet, _ settings: ClipSettings) throws -> Double {
        let loader = ClipLoader(set, settings, seed: 1)
        var clip = [Float](repeating: 0, count: settings.clipFloats)
        var began = 0.0
        let count = 20
        for position in 0...count {
            if position == 1 { began = processorSeconds() }
            try clip.withUnsafeMutableBufferPointer { _ = try loader.load(position: UInt64(position), into: $0) }
        }
        return (processorSeconds() - began) / Double(count)
    }

    /// Processor time of this thread, which decodes: what a control group lets it wait for is not in it.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Keys for the measurement of the sockets, thrown away afterwards.
    private func withKeys<T>(_ body: (String?) throws -> T) throws -> T {
        guard !insecure, workers > 1 else { return try body(nil) }
        let folder = NSTemporaryDirectory() + "zoetrope-plan-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Keys.create(folder)
        return try body(folder)
    }

    /// What TCP delivers of a link: Ethernet, IP and TCP take 90 of 1,538 bytes.
    static func bytesPerSecond(_ link: String) throws(Fault) -> Double {
        let text = link.lowercased().replacing("/s", with: "")
        for (suffix, bits) in [("gbit", 1e9), ("mbit", 1e6)] where text.hasSuffix(suffix) {
            if let number = Double(text.dropLast(suffix.count)), number > 0, number <= 1e6 {
                return number * bits / 8 * 1448 / 1538
            }
        }
        throw Fault(.usage, "--link", "'\(link)' is no speed of a link", mend: "write 1Gbit, 10Gbit or 250Mbit")
    }
}
