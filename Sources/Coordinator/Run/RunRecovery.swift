package import Faults
import Storage
import Wire

/// A run's ledger and newest checkpoint as a new coordinator finds them, put right where one of them was lost.
///
/// Every checkpoint holds the ledger up to its step, so a damaged or lost `ledger/` costs no more than the records since
/// the newest whole one; those steps are computed again, to the same bits.
package struct RunRecovery {
    package let ledger: StepLedger
    /// The version of the newest whole checkpoint; 0 for none, or the initial one.
    package let newest: Int

    /// - Parameter tell: Hears of everything that was not as it should be.
    /// - Throws: `Fault.data` when the ledger is damaged and there is no checkpoint to restore it from, or when ledger
    ///   and checkpoint contradict each other.
    package init(
        _ directory: RunDirectory, _ checkpoints: CheckpointStore, tell: (ClusterNote) -> Void
    ) throws(Fault) {
        newest = try checkpoints.newest { version, fault in
            tell(.checkpointFailed(version: version, reason: "not used: \(fault)"))
        }
        let copy = newest > 0 ? try checkpoints.ledger(of: newest) : []
        let path = StepLedger.path(run: directory.path)
        if let (whole, damage) = try Self.damage(in: path) {
            guard newest > 0 else { throw damage }
            let salvaged = try Self.longer(whole, copy, path)
            let aside = "\(path).damaged-\(directory.generation)"
            try directory.fence.check()
            try moveAside(path, to: aside)
            ledger = try StepLedger(directory)
            try ledger.restore(salvaged)
            tell(
                .storage(
                    "THE LEDGER WAS DAMAGED (\(damage)): \(salvaged.count) steps are restored, as far as they were whole "
                        + "there or in checkpoints/step-\(newest); what was found is kept in \(aside); later steps are "
                        + "computed again"))
        } else {
            ledger = try StepLedger(directory)
            let found = ledger.records.count
            let restored = try ledger.restore(copy)
            guard restored > 0 else { return }
            tell(
                .storage(
                    "THE LEDGER WAS LOST\(found > 0 ? " in part" : ""): it ended at step \(found); \(restored) steps are "
                        + "restored from checkpoints/step-\(newest), later ones are computed again"))
        }
    }

    /// What is wrong with a ledger, and its whole records before that; `nil` when nothing is.
    private static func damage(in path: String) throws(Fault) -> (whole: [LedgerRecord], damage: Fault)? {
        guard pathExists(path) else { return nil }
        var whole: [LedgerRecord] = []
        do throws(Fault) {
            try StepLedger.read(directory: path, into: &whole)
            return nil
        } catch {
            guard error.code == .data else { throw error }
            return (whole, error)
        }
    }

    private static func longer(
        _ a: [LedgerRecord], _ b: [LedgerRecord], _ path: String
    ) throws(Fault) -> [LedgerRecord] {
        for (x, y) in zip(a, b) where !x.outcome.matches(y.outcome) {
            throw Fault(.data, path, "has another step \(x.outcome.step) than the newest checkpoint's copy of it")
        }
        return a.count > b.count ? a : b
    }
}
