public import Faults
package import Storage
public import Wire

/// The ledger of a run: one record for each step, in order, each once, on disk before any owner applies the step.
///
/// One thread.
public final class StepLedger {
    /// In order of the steps, from step 0.
    public private(set) var records: [LedgerRecord]
    private let log: AppendOnlyLog
    private let fence: RunFence

    /// Begins the ledger's part of this generation.
    ///
    /// - Throws: `Fault` when it is damaged, or its records are not those of consecutive steps.
    public convenience init(_ directory: RunDirectory) throws(Fault) { try self.init(directory, calls: .system) }

    package init(_ directory: RunDirectory, calls: FileCalls) throws(Fault) {
        fence = directory.fence
        try fence.check()
        let path = Self.path(run: directory.path)
        let generation = fence.generation
        var records: [LedgerRecord] = []
        log = try withFaults(path) {
            try AppendOnlyLog(directory: path, generation: generation, calls: calls) { bytes in
                try Self.take(bytes, into: &records, path)
            }
        }
        self.records = records
    }

    /// Where a run's ledger lies.
    static func path(run: String) -> String { run + "/ledger" }

    /// Appends the record and flushes it. When this returns, the record counts; when it throws, nobody may be told of it.
    ///
    /// - Throws: `Fault.internal` when a later generation has taken over, `Fault.stoppedEarly` on a full disk, after
    ///   which the ledger is as before and the call may be repeated, and others for a step that is not the next.
    public func append(_ record: LedgerRecord) throws(Fault) { try append([record]) }

    /// Appends what others kept of this ledger's end: records of consecutive steps, those that are here already among
    /// them.
    ///
    /// - Returns: How many were new.
    /// - Throws: As `append`; and `Fault.data` when a record says something else of a step than the one that is here,
    ///   or steps between are missing: nothing is appended then.
    @discardableResult
    public func restore(_ kept: [LedgerRecord]) throws(Fault) -> Int {
        var new: [LedgerRecord] = []
        for record in kept {
            let step = record.outcome.step
            if step < records.count {
                guard records[step].outcome.matches(record.outcome) else {
                    throw Fault(.data, log.directory, "has another step \(step) than the copy that was kept of it")
                }
            } else {
                guard step == records.count + new.count else {
                    throw Fault(
                        .data, log.directory,
                        "ends with step \(records.count + new.count - 1), and the copy goes on with step \(step)")
                }
                new.append(record)
            }
        }
        try append(new)
        return new.count
    }

    private func append(_ new: [LedgerRecord]) throws(Fault) {
        for (i, record) in new.enumerated() where record.outcome.step != records.count + i {
            throw Fault(
                .internal, log.directory, "step \(record.outcome.step) is not the next after \(records.count + i)")
        }
        try fence.check()
        try log.append(new.map(\.encoded))
        // A later one may have begun meanwhile, and not have seen the record.
        try fence.check()
        records += new
    }

    /// The records of a run's ledger, while its coordinator may be running.
    public static func read(run: String) throws(Fault) -> [LedgerRecord] { try read(directory: path(run: run)).records }

    /// The records in a directory, and what stands beside them.
    static func read(directory: String) throws(Fault) -> (records: [LedgerRecord], reading: AppendOnlyLog.Reading) {
        var records: [LedgerRecord] = []
        let reading = try read(directory: directory, into: &records)
        return (records, reading)
    }

    /// - Parameter records: Gets those before the damage even when this throws.
    @discardableResult
    static func read(directory: String, into records: inout [LedgerRecord]) throws(Fault) -> AppendOnlyLog.Reading {
        try withFaults(directory) {
            try AppendOnlyLog.read(directory: directory) { bytes in try take(bytes, into: &records, directory) }
        }
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
