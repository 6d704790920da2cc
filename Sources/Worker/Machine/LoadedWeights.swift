internal import Training

/// Which version of each chunk the compute thread has (or has been sent), and what has been asked for.
///
/// Frozen chunks are the same in every version: they are asked for once.
struct LoadedWeights: Sendable {
    /// Chunks of the parameters that training changes.
    private let changing: [Int]
    private let frozen: [Int]
    /// Frozen ones that have not come yet.
    private var unseen: Set<Int>
    /// By chunk.
    private var versions: [Int: Int] = [:]
    private(set) var outstanding: Set<Int> = []
    /// The version last asked for.
    private(set) var requested = 0
    /// The version of all chunks, when they agree.
    private(set) var version: Int?

    /// Before there is a plan: nothing.
    init() { (changing, frozen, unseen) = ([], [], []) }

    init(_ plan: ChunkPlan) {
        let needed = plan.chunks.filter { plan.isComputedWith($0.number) }
        changing = needed.filter { !$0.isFrozen }.map(\.number)
        frozen = needed.filter(\.isFrozen).map(\.number)
        unseen = Set(frozen)
    }

    /// What was loaded is not believed any more: all of it is asked for again when the next map begins.
    mutating func forget() {
        versions = [:]
        unseen = Set(frozen)
    }

    /// A map begins at `version`: what to ask for, at `requested`.
    mutating func begin(at version: Int) -> [Int] {
        let missing = changing.filter { versions[$0] != version } + unseen
        self.version = missing.isEmpty ? version : nil
        requested = missing.isEmpty ? version + 1 : version
        outstanding = Set(missing.isEmpty ? changing : missing)
        return outstanding.sorted()
    }

    /// A chunk has come: what to ask for next, at `requested`. When all answers of a request are in, the chunks that are
    /// behind the others are asked for again (we had been away), or else all of the next version.
    /// - Returns: nil when the chunk was not asked for: the answer of an owner that has been asked twice, or has died.
    mutating func arrived(_ chunk: Int, version new: Int) -> [Int]? {
        guard outstanding.contains(chunk), new >= requested else { return nil }
        unseen.remove(chunk)
        versions[chunk] = new
        outstanding.remove(chunk)
        version = nil
        guard outstanding.isEmpty, let newest = changing.compactMap({ versions[$0] }).max() else { return [] }
        let behind = changing.filter { versions[$0, default: -1] < newest }
        if behind.isEmpty { version = newest }
        requested = behind.isEmpty ? newest + 1 : newest
        outstanding = Set(behind.isEmpty ? changing : behind)
        return outstanding.sorted()
    }
}
