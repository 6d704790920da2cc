import Wire

/// Which blocks of a step went out, and which of them held units that had gone out before.
struct BlockIssues: Sendable {
    private(set) var reissues: [Reissue] = []
    private var issued: [UnitBlock] = []

    /// - Returns: Whether some of its units had gone out before.
    mutating func note(_ block: UnitBlock, to worker: Incarnation) -> Bool {
        let isAgain = issued.contains { $0.contains(block) || block.contains($0) }
        if isAgain { reissues.append(Reissue(block: block, worker: worker)) }
        issued.append(block)
        return isAgain
    }
}
