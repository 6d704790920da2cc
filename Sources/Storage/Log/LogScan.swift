import Faults

/// One pass over a log, segment by segment: how many whole records there are and the last batch.
struct LogScan {
    private(set) var records: UInt64 = 0
    private(set) var batch: UInt32 = 0
    /// Bytes that count for nothing: the torn end of a write, or what came late from a writer that was fenced off.
    private(set) var ignoredBytes = 0

    /// Reads one segment of the chain.
    ///
    /// - Parameter next: Where the next segment's records begin; `nil` for the last. What stands in this segment at that
    ///   number and behind it was never acknowledged by anybody: the next one's writer did not find it.
    /// - Returns: Where the whole records end; 0 when not even the header is whole.
    /// - Throws: `Fault.data` for damage; whatever `replay` throws.
    mutating func take(
        _ path: String, _ bytes: UnsafeRawBufferPointer, _ segment: LogSegments.Segment, next: UInt64?,
        replay: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int {
        guard let header = LogFormat.Header(of: bytes) else {
            // A header is flushed before any record: without a whole one there never was any.
            guard bytes.count <= LogFormat.Header.size(generation: segment.generation) else {
                throw Self.damage(path, at: 0, "its header is not a log's")
            }
            ignoredBytes += bytes.count
            return 0
        }
        guard header.firstRecord == records else {
            throw Self.damage(path, at: 8, "it starts with record \(header.firstRecord) where record \(records) is due")
        }
        guard header.firstRecord == segment.firstRecord, header.generation == segment.generation else {
            throw Self.damage(path, at: 8, "its header says another segment than its name")
        }
        if let before = header.batch {
            guard before == batch || records == 0 else {
                throw Self.damage(path, at: 24, "it follows batch \(before), but the segment before ends with \(batch)")
            }
            batch = before
        }
        var end = header.size
        while next.map({ records < $0 }) ?? true, let record = LogFormat.record(bytes, at: end) {
            guard record.batch == batch || record.batch == batch + 1 else {
                throw Self.damage(path, at: end, "batch \(record.batch) follows batch \(batch)")
            }
            try replay(UnsafeRawBufferPointer(rebasing: bytes[record.payload]))
            batch = record.batch
            end = record.payload.upperBound
            records += 1
        }
        if let next {
            guard records == next else {
                throw Self.damage(
                    path, at: end, "record \(records) is damaged there, and the next segment starts with record \(next)"
                )
            }
        } else if LogFormat.laterRecord(bytes, after: end, batch: batch + 1) != nil {
            throw Self.damage(path, at: end, "a record there is damaged and others follow")
        }
        ignoredBytes += bytes.count - end
        return end
    }

    private static func damage(_ path: String, at offset: Int, _ reason: String) -> Fault {
        Fault(
            .data, path, "the log is damaged at byte \(offset): \(reason)",
            mend: "restore the file from a copy, or start from a checkpoint in a new run directory")
    }
}
