public import Faults
public import Wire

/// What computes gradients for a worker: a network, its clips, its threads. One thread uses it, the compute thread.
public protocol UnitComputing: AnyObject {
    /// Takes weights: the f32 bytes of these elements of a parameter, in the canonical layout.
    /// - Parameter bytes: 4 for each element, perhaps unaligned; valid during the call.
    func load(parameter: Int, elements: Range<Int>, _ bytes: UnsafeRawBufferPointer)

    /// Takes the running statistics of a frozen batch-norm layer, which it is to normalise with.
    /// - Parameter bytes: f32 means, then variances, perhaps unaligned; valid during the call.
    func load(statistics layer: Int, _ bytes: UnsafeRawBufferPointer)

    /// Computes one unit of a step: the clips at the positions of the stream that the run's schedule gives it.
    ///
    /// Every parameter's gradient and every layer's statistics are told to `sink`, each once, as soon as it is final; those
    /// that the plan freezes are not.
    /// - Returns: The unit's loss, correct clips and substitutes.
    /// - Throws: `Fault` when a clip cannot be read here: the unit will be tried elsewhere.
    func compute(step: Int, unit: Int, sink: GradientSink) throws(Fault) -> UnitRecord

    /// These units will probably be computed next, in this order: decode them ahead. Returns at once.
    func prefetch(step: Int, units: Range<Int>)

    /// Clips that wait decoded.
    var decodedAhead: Int { get }

    /// What clips have cost so far.
    var decoding: DecodingTimes { get }
}

/// Where a unit's results go while its backward pass still runs.
public struct GradientSink {
    let parameter: (Int, UnsafeRawBufferPointer) -> Void
    let statistics: (Int, UnsafeBufferPointer<Double>, UnsafeBufferPointer<Double>) -> Void
    let cancelled: () -> Bool

    /// The whole gradient of a parameter, f32 in the canonical layout. It is copied.
    public func gradient(parameter: Int, _ values: UnsafeBufferPointer<Float>) {
        self.parameter(parameter, UnsafeRawBufferPointer(values))
    }

    /// Means and variances of the unit at a batch-norm layer, by channel, the variances as the plan's `varianceScale`
    /// takes them. They are copied.
    public func statistics(
        layer: Int, means: UnsafeBufferPointer<Double>, variances: UnsafeBufferPointer<Double>
    ) {
        statistics(layer, means, variances)
    }

    /// Nobody waits for the unit any more: `compute` may return whatever it likes.
    public var isCancelled: Bool { cancelled() }
}

/// What a worker builds from a welcome, on the compute thread.
public struct WorkerBuild {
    public var preparation: WorkerPreparation
    public var computing: any UnitComputing

    public init(preparation: WorkerPreparation, computing: any UnitComputing) {
        self.preparation = preparation
        self.computing = computing
    }
}
