/// What a training pass keeps in memory, and what it makes anew whenever it is read. The bits are the same.
public struct MemoryPolicy: Sendable {
    /// Packed weights are kept for the next run, which saves time where several units run on the same weights, and takes
    /// twice the weights' memory or more. Otherwise every run packs them.
    public var keepsPacked: Bool
    /// Activations that are computed a second time rather than kept: less memory, more time.
    public var recomputation: Recomputation

    public init(keepsPacked: Bool = false, recomputation: Recomputation = .none) {
        self.keepsPacked = keepsPacked
        self.recomputation = recomputation
    }

    /// That of a worker's passes.
    ///
    /// - Parameters:
    ///   - recomputes: it has little memory (`--recompute`), so that it keeps no packed weights either.
    ///   - units: of a step: with one of them nothing runs on the same weights again.
    public static func ofWorker(recomputes: Bool, units: Int) -> Self {
        Self(keepsPacked: units > 1 && !recomputes, recomputation: recomputes ? .whereItSaves : .none)
    }
}
