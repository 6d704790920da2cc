public import Faults

/// Memory that several passes use in turn: passes of one network over clips of several shapes, of which one runs at a time.
///
/// What a pass holds, parameters included, is lost as soon as another one is touched.
public final class PassMemory {
    let arena: Arena

    /// - Parameter bytes: What the largest of the passes takes (`TrainingMemory`).
    /// - Throws: a usage `Fault` when the system has not that much.
    public init(bytes: Int, for thing: String) throws(Fault) {
        arena = try Arena(
            bytes: bytes, for: thing, mend: "recompute activations (--recompute), or take fewer or smaller clips")
    }
}
