/// Mistakes that tests plant into the machines to prove that the simulation would find them.
///
/// A simulator that finds nothing proves nothing. Only tests can switch them on: the products' initialisers have none.
/// The last three are mistakes that the simulation found when the machines were written.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// The tree adds what it has already.
    case duplicatesAdded
    /// The tree adds an ancestor to the descendants it contains.
    case ancestorsAdded
    /// The coordinator commits without waiting for the ledger's fsync.
    case committedBeforeLedger
    /// A replayed step is appended to the ledger again.
    case replayAppended
    /// A dead worker's blocks are not leased again.
    case lostBlocksForgotten
    /// The shard takes pushes of an older map or step.
    case stalePushesTaken
    /// The shard drops pushes for a step it has not reached instead of keeping them.
    case earlyPushesDropped
    /// A worker computes before all weights of the step are there.
    case computedWithMixedWeights
    /// A restored or moved chunk gets its weights but no momentum.
    case momentumForgotten
    /// A checkpoint takes the state at the time of sending instead of the snapshot.
    case snapshotTakenLate
    /// A rollback goes back to the initial state but keeps the step's number.
    case rollbackToWrongVersion
    /// A draining owner is let go before its chunks have moved.
    case drainedOwnerReleasedEarly
    /// A block counts as delivered when it has been computed.
    case deliveredWhenComputed
    /// An owner reports a chunk ready before its buddies have acknowledged the gradient.
    case readyBeforeAcknowledgement
    /// What was delivered to an owner that died counts as delivered.
    case deliveredToTheDead
    /// Workers let their roots go when the owners have them, instead of keeping them until the step commits.
    case rootsReleasedEarly
    /// A coordinator goes on although a newer generation has begun.
    case staleGenerationAccepted
    /// A bit of some worker's state flips, once.
    case memoryFlips
    /// Some worker computes a wrong gradient, once.
    case gradientFlips
    /// The owner's death goes unnoticed: the map stays.
    case ownerDeathIgnored
    /// The norm adds the chunks in the order they became ready.
    case normInReadyOrder
    /// Outcomes older than a new checkpoint are forgotten while those steps are being played again.
    case outcomesForgottenEarly
    /// A new coordinator numbers its leases from 1 again.
    case leaseNumbersReused
    /// Links between workers go on counting under a new coordinator.
    case linksOutliveGenerations
}
