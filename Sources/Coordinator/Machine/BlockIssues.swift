import Wire

/// Which blocks of a step went out, and which of them held units that had gone out before.
struct BlockIssues: Sendable {
    private(set) var reissues: [Reissue] = []
    private var issued: [UnitBlock] = []

    mutating func note(_ block: UnitBlock, to worker: Incarnation) {
        if issued.contains(where: { $0.contains(block) || block.contains($0) }) {
            reissues.append(Reissue(block: block, worker: worker))
        }
        issued.append(block)
    }
}
