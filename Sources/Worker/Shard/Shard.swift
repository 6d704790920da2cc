internal import Training
internal import Wire

/// The part of a worker that keeps chunks: as owner it sums their gradients, applies committed steps, and hands out
/// weights; as buddy it gets the sums from the owner and applies them as well.
///
/// A pure machine inside `Worker`. It is at one version at a time; a step's pushes go into a tree for each chunk, a whole
/// gradient is sent to the buddies and reported ready when they have it, and a commit takes every chunk to the next version
/// at once.
struct Shard: Sendable {
    /// What the shard wants said or done.
    enum Effect: Sendable {
        case reply(Incarnation, ShardReply)
        case request(Incarnation, ShardRequest)
        case control(WorkerMessage)
        case note(String)
        /// The worker cannot go on.
        case stop(reason: String)
    }

    /// The state of a chunk at a version: slots are never changed once made, so that snapshots are references.
    struct Held: Sendable {
        var version: Int
        var slots: [Payload]
        /// `Shard.digest(of: slots)`, once somebody has asked.
        var digest: UInt64?
    }

    /// A whole gradient, and its checksum: buddies and coordinator are both told.
    struct Sum: Sendable {
        let gradient: Payload
        let digest: UInt64

        init(_ gradient: Payload, digest: UInt64) { (self.gradient, self.digest) = (gradient, digest) }

        init(_ gradient: Payload) { self.init(gradient, digest: gradient.checksum()) }
    }

    let incarnation: Incarnation
    let preparation: WorkerPreparation
    let pool: PayloadPool
    let bugs: Set<PlantedBug>

    var map: OwnershipMap?
    /// Chunks of the map that we keep, as owner or buddy, ascending.
    var kept: [Int] = []
    /// All state in memory, kept or not yet dropped.
    var held: [Int: Held] = [:]
    /// Kept chunks whose state is still on its way.
    var awaited: Set<Int> = []
    /// The coordinator knows that all is here without which no step can begin.
    var hasInstalled = false
    /// Of those, the ones to be asked of the coordinator, and how many have been.
    var toRestore: [Int] = []
    var restoring = 0
    /// How often the state of a chunk has come damaged from whoever it is asked of.
    var damaged: [Int: Int] = [:]

    /// The step's sums, by chunk.
    var trees: [Int: ReductionTree] = [:]
    /// Whole gradients of the step: of owned chunks summed here, of others as their owner sent them.
    var sums: [Int: Sum] = [:]
    /// Owned chunks with a whole gradient: the buddies that have not said that they have it, too.
    var unacknowledged: [Int: Set<Incarnation>] = [:]
    /// Owned chunks reported ready.
    var ready: Set<Int> = []

    /// Weights asked for before they exist, by chunk, in order of asking.
    var wants: [Int: [(version: Int, from: Incarnation)]] = [:]
    /// Requests of a map or step that we have not reached.
    var early: [(from: Incarnation, request: ShardRequest)] = []
    var snapshot: Snapshot?

    init(incarnation: Incarnation, preparation: WorkerPreparation, pool: PayloadPool, bugs: Set<PlantedBug>) {
        self.incarnation = incarnation
        self.preparation = preparation
        self.pool = pool
        self.bugs = bugs
    }

    /// The version of the kept chunks.
    var version: Int { map.map { $0.version + applied } ?? 0 }
    /// Of the planted fault only.
    private var hasFlipped = false
    /// Steps applied since the map was installed.
    var applied = 0

    mutating func handle(_ request: ShardRequest, from: Incarnation) -> [Effect] {
        switch request {
        case .push(let push): take(push, from: from)
        case .want(let map, let revision, let version, let chunks):
            want(map: map, revision: revision, version: version, chunks: chunks, from: from)
        case .fetchState(let map, let revision, let chunks):
            sendState(map: map, revision: revision, chunks: chunks, to: from)
        case .replicate(let replicate): store(replicate, from: from)
        }
    }

    /// Whether a message speaks of a map that we do not know yet.
    func isAhead(map number: Int, revision: Int) -> Bool {
        guard let map else { return true }
        return (number, revision) > (map.number, map.revision)
    }

    /// What the sender knows that we do not know yet: kept until we do. Its size is bounded by what workers may send
    /// before the owners of a map have answered.
    mutating func keep(_ request: ShardRequest, from: Incarnation) -> [Effect] {
        early.append((from, request))
        return []
    }

    /// After a map or a commit: what was early may be due.
    mutating func handleEarly() -> [Effect] {
        let waiting = early
        early = []
        return waiting.flatMap { handle($0.request, from: $0.from) }
    }

    // MARK: - Pushes

    private mutating func take(_ push: Push, from: Incarnation) -> [Effect] {
        func receipt(_ verdict: PushReceipt.Verdict, other: Incarnation = 0) -> Effect {
            .reply(
                from,
                .receipt(
                    PushReceipt(
                        map: push.map, step: push.step, block: push.block, chunk: push.chunk, verdict: verdict,
                        other: other)))
        }
        guard let map, !isAhead(map: push.map, revision: push.revision) else { return keep(.push(push), from: from) }
        if push.map == map.number, push.step > version {
            return bugs.contains(.earlyPushesDropped) ? [receipt(.stored)] : keep(.push(push), from: from)
        }
        let stale = push.map < map.number || push.step < version
        guard !stale || bugs.contains(.stalePushesTaken), preparation.plan.chunks.indices.contains(push.chunk),
            map.owners[push.chunk] == incarnation
        else { return [receipt(.stale)] }
        let chunk = preparation.plan.chunks[push.chunk]
        guard push.gradient.count == chunk.gradientBytes, push.gradient.checksum() == push.checksum else {
            return [receipt(.damaged), .note("a push of chunk \(push.chunk) came damaged; asked for it again")]
        }
        // The sum came from an owner that has died since.
        if sums[push.chunk] != nil, trees[push.chunk] == nil { return [receipt(.duplicate)] }
        var tree =
            trees[push.chunk]
            ?? ReductionTree(
                root: .root(units: preparation.units), units: preparation.units, wide: chunk.isStatistics, bugs: bugs)
        let insertion = tree.insert(
            push.block, push.gradient, checksum: push.checksum, from: from, pool: pool)
        trees[push.chunk] = tree
        switch insertion {
        case .duplicate: return [receipt(.duplicate)]
        // Whoever pushed says so before it says that its block is delivered: so the step cannot count in between.
        case .conflict(let first): return [receipt(.conflict, other: first)]
        case .stored: return [receipt(.stored)] + settle(push.chunk)
        }
    }

    // MARK: - Commits

    /// The step is in the ledger: every kept chunk goes to the next version, and waiting workers get it.
    mutating func apply(_ commit: Commit) -> [Effect] {
        guard let map, commit.map == map.number, commit.step == version else { return [] }
        return advance(by: commit)
    }

    /// A new coordinator says that the step is in the ledger, whose commit the old one did not send us any more. Without
    /// all sums nothing happens: they are computed again then.
    mutating func rollForward(_ commit: Commit) -> [Effect] {
        guard map != nil, commit.step == version, kept.allSatisfy({ canApply(commit, to: $0) }) else { return [] }
        return advance(by: commit)
    }

    private func canApply(_ commit: Commit, to chunk: Int) -> Bool {
        held[chunk] != nil && (commit.skipped || preparation.plan.chunks[chunk].isFrozen || sums[chunk] != nil)
    }

    private mutating func advance(by commit: Commit) -> [Effect] {
        let plan = preparation.plan
        if let number = kept.first(where: { !canApply(commit, to: $0) }) {
            return [.note("commit of step \(commit.step) without the gradient of chunk \(number)")]
        }
        for number in kept {
            guard let state = held[number] else { continue }
            let keeps = commit.skipped || plan.chunks[number].isFrozen
            guard !keeps, let sum = sums[number] else {
                held[number] = Held(version: commit.step + 1, slots: state.slots, digest: state.digest)
                continue
            }
            let slots = updated(state.slots, of: plan.chunks[number], by: sum.gradient, commit)
            held[number] = Held(version: commit.step + 1, slots: slots)
        }
        let mine = Set(kept)
        held = held.filter { mine.contains($0.key) }
        forgetStep()
        pool.endRound()
        applied += 1
        return answerWants() + handleEarly()
    }

    mutating func forgetStep() {
        trees = [:]
        sums = [:]
        unacknowledged = [:]
        ready = []
    }

    private mutating func updated(_ slots: [Payload], of chunk: Chunk, by sum: Payload, _ commit: Commit) -> [Payload] {
        switch chunk.content {
        case .statistics(let layer):
            let layer = preparation.plan.statistics[layer]
            return preparation.optimizer.update(slots, of: layer, sum: sum, units: preparation.units, pool: pool)
        case .parameter:
            let scale = Float(Double(commit.coefficient) / Double(preparation.units))
            if bugs.contains(.memoryFlips), !hasFlipped, incarnation & 3 == 1, commit.step == 1 {
                hasFlipped = true
                return slots
            }
            return preparation.optimizer.update(
                slots, gradientSum: sum, scale: scale, rate: commit.rate * chunk.rate, weightDecay: chunk.weightDecay,
                step: commit.step, pool: pool)
        }
    }

    // MARK: - Weights

    private mutating func want(
        map number: Int, revision: Int, version: Int, chunks: [Int], from: Incarnation
    ) -> [Effect] {
        guard let map, !isAhead(map: number, revision: revision) else {
            return keep(.want(map: number, revision: revision, version: version, chunks: chunks), from: from)
        }
        guard number == map.number else { return [] }
        for chunk in chunks where kept.contains(chunk) { wants[chunk, default: []].append((version, from)) }
        return answerWants()
    }

    /// Sends what is there of what is wanted, chunk by chunk in forward order. Whoever asks for an old version has been
    /// away and gets the present one.
    mutating func answerWants() -> [Effect] {
        guard let map, !wants.isEmpty else { return [] }
        var effects: [Effect] = []
        for chunk in wants.keys.sorted() {
            guard let state = held[chunk], let waiting = wants[chunk] else { continue }
            wants[chunk] = waiting.filter { $0.version > state.version }
            for want in waiting where want.version <= state.version {
                let weights = Weights(
                    map: map.number, version: state.version, chunk: chunk, weights: state.slots[0])
                effects.append(.reply(want.from, .weights(weights)))
            }
        }
        wants = wants.filter { !$0.value.isEmpty }
        return effects
    }
}
