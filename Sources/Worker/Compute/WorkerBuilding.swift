internal import Clips
internal import Configuration
public import Faults
internal import Kernels
internal import Models
internal import Storage
internal import Training
internal import Video
public import Wire

/// How this machine takes part: nothing here changes a bit.
public struct WorkerResources: Sendable {
    /// The data set's folder on this machine; `nil` where it is where the coordinator has it, or to be pulled from others.
    public var data: String?
    /// Compute threads, 1 or more.
    public var threads: Int
    /// Threads that decode ahead, 1 or more.
    public var decodeThreads: Int
    /// A processor for each compute thread, to which it is bound; `nil`: the system moves them as it likes.
    public var cores: [Int]?
    /// Activations are computed a second time rather than kept, and weights packed for every unit: for a machine with
    /// little memory.
    public var recomputes: Bool

    public init(
        data: String? = nil, threads: Int, decodeThreads: Int, cores: [Int]? = nil, recomputes: Bool = false
    ) {
        self.data = data
        self.threads = threads
        self.decodeThreads = decodeThreads
        self.cores = cores
        self.recomputes = recomputes
    }
}

/// Builds network, clips and threads from what the coordinator says, and what proves that they compute the same bits.
///
/// - Parameters:
///   - supply: Where clips come from that are not on this machine; `nil`: from nowhere.
///   - note: gets a line of what is done otherwise than others do it: whether activations are recomputed.
/// - Throws: `Fault` when the recipe is not understood, the data set is not there, or the processor lacks the
///   instruction set that the run was begun with.
public func buildWorker(
    _ welcome: Welcome, resources: WorkerResources, supply: ClipSupply? = nil, note: (String) -> Void = { _ in }
) throws(Fault) -> WorkerBuild {
    let recipe = try Recipe.read(try Document(toml: welcome.recipe, name: "the coordinator's recipe")).recipe
    let job = try TrainingJob(recipe)
    guard let instructionSet = InstructionSet(rawValue: welcome.instructionSet) else {
        throw Fault(
            .usage, "numerics.isa", "'\(welcome.instructionSet)' is not an instruction set that this version knows")
    }
    guard instructionSet.compute.rawValue == recipe.numerics.compute else {
        throw Fault(
            .data, "numerics.compute",
            "the recipe computes in \(recipe.numerics.compute), and the run was begun with \(instructionSet.rawValue)",
            mend: "start a coordinator of the workers' version")
    }
    guard instructionSet.isSupported else {
        let mend =
            instructionSet.compute == .bf16
            ? "numerics.compute=f32" : "numerics.isa=\(InstructionSet.best.rawValue)"
        throw instructionSet.missing(
            "the run's \(instructionSet.rawValue)", mend: "use another machine, or begin a run with \(mend)")
    }
    let set: PackedSet
    if let supply {
        let offered = OfferedSplit(
            directory: welcome.data, split: "train", description: welcome.dataSet, manifestBytes: welcome.manifestBytes)
        set = try supply.open(offered, data: resources.data)
    } else {
        set = try PackedSet(directory: resources.data ?? welcome.data, split: "train")
    }
    let schedule = recipe.stepSchedule(dataSetClips: set.count)
    let clips = DecodeAhead<DecodedClip>.clips(
        of: set, settings: try recipe.clipSettings(of: schedule), seed: recipe.seed, threads: resources.decodeThreads,
        capacity: NetworkComputer.capacity(recipe.batch.clipsPerUnit, decodeThreads: resources.decodeThreads),
        memory: PayloadPool())
    let computer = try NetworkComputer(
        job: job, schedule: schedule, instructionSet: instructionSet,
        pool: try ThreadPool(threads: resources.threads, cores: resources.cores), recomputes: resources.recomputes,
        clips: clips, decodeThreads: resources.decodeThreads)
    // The computer is asked and not the resources: one that did not do as it was told would say so.
    if computer.recomputedShare > 0 {
        note("activations are recomputed: \(Int((100 * computer.recomputedShare).rounded())) % of forward runs twice")
    } else if resources.recomputes {
        note("activations are kept: recomputing them would save no memory here")
    }
    let fingerprints =
        job.fingerprints(dataSetDigest: "\(set.digest)") + [
            Fingerprint(name: "versions", value: VideoLibraries.versions),
            Fingerprint(
                name: "numerics", value: try numericsFingerprint(instructionSet, recipe.numerics.convolutionChoice)),
        ]
    return WorkerBuild(
        preparation: WorkerPreparation(
            plan: job.plan, units: recipe.batch.units, optimizer: recipe.update, fingerprints: fingerprints,
            initialWeights: { chunk, out in job.initialWeights(chunk, into: out) }),
        computing: computer)
}

extension TrainingJob {
    /// What coordinator and workers must agree on before a worker may take part.
    public func fingerprints(dataSetDigest: String) -> [Fingerprint] {
        [
            Fingerprint(name: "data", value: dataSetDigest),
            Fingerprint(name: "recipe", value: "\(Digest(of: Array("\(recipe)".utf8)))"),
            Fingerprint(name: "plan", value: String(plan.digest, radix: 16)),
        ]
    }
}
