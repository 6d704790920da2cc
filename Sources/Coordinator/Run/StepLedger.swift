public import Faults
import Storage
public import Wire

/// The ledger of a run: one record for each step, in order, each once, on disk before any owner applies the step.
///
/// One thread.
public final class StepLedger {
    /// In order of the steps, from step 0.
    public private(set) var records: [LedgerRecord]
    private let log: AppendOnlyLog
    private let run: String
    private let generation: UInt64

    /// - Throws: `Fault` when it is damaged, or its records are not those of consecutive steps.
    public convenience init(_ directory: RunDirectory) throws(Fault) {
        try self.init(run: directory.path, generation: directory.generation)
    }

    init(run: String, generation: UInt64) throws(Fault) {
        self.run = run
        self.generation = generation
        let path = run + "/ledger"
        var records: [LedgerRecord] = []
        log = try withFaults(path) {
            try AppendOnlyLog(directory: path) { bytes in try Self.take(bytes, into: &records, path) }
        }
        self.records = records
    }

    /// Appends the record and flushes it.
    ///
    /// - Throws: `Fault` when a later generation has taken over, on a full disk, and for a step that is not the next.
    public func append(_ record: LedgerRecord) throws(Fault) {
        guard record.outcome.step == records.count else {
            throw Fault(.internal, log.directory, "step \(record.outcome.step) is not the next after \(records.count)")
        }
        try RunDirectory.check(generation: generation, in: run)
        try log.append([record.encoded])
        records.append(record)
    }

    /// The records of a run's ledger, while its coordinator may be running.
    public static func read(run path: String) throws(Fault) -> [LedgerRecord] {
        var records: [LedgerRecord] = []
        let directory = path + "/ledger"
        try withFaults(directory) {
            try AppendOnlyLog.read(directory: directory) { bytes in try take(bytes, into: &records, directory) }
        }
        return records
    }

    private static func take(
        _ bytes: UnsafeRawBufferPointer, into records: inout [LedgerRecord], _ path: String
    ) throws(Fault) {
        let record = try LedgerRecord(decoding: bytes)
        guard record.outcome.step == records.count else {
            throw Fault(.data, path, "step \(record.outcome.step) stands where step \(records.count) is due")
        }
        records.append(record)
    }
}

/// Errors of `body` as faults; whatever is none is one about `thing`.
func withFaults<Result>(_ thing: String, _ body: () throws -> Result) throws(Fault) -> Result {
    do { return try body() } catch let fault as Fault { throw fault } catch {
        throw Fault(.internal, thing, "\(error)")
    }
}
