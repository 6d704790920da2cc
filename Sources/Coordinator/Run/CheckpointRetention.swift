/// Which checkpoints of a run stay.
public struct CheckpointRetention: Sendable, Equatable {
    /// So many of the newest, at least 1.
    public var newest: Int
    /// And those of every step that this divides; 0: no others.
    public var everySteps: Int

    public init(newest: Int = 3, everySteps: Int = 0) {
        self.newest = max(1, newest)
        self.everySteps = max(0, everySteps)
    }

    /// What may go once `completed` is whole and in its place.
    ///
    /// Step 0 stays: it is there only where training began from a file, which may be gone by now. So does whatever lies
    /// ahead of `completed`: somebody may want to know why it was not used.
    /// - Parameters:
    ///   - versions: Of all checkpoints that are there.
    ///   - damaged: Those that are known not to be whole: they take nobody's place.
    func superfluous(among versions: [Int], completed: Int, damaged: Set<Int>) -> [Int] {
        let past = versions.filter { $0 <= completed && $0 > 0 }.sorted()
        let whole = past.filter { !damaged.contains($0) }
        let milestones = whole.filter { everySteps > 0 && $0.isMultiple(of: everySteps) }
        let staying = Set(whole.suffix(newest)).union(milestones).union([completed])
        return past.filter { !staying.contains($0) }
    }
}
