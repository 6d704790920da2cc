public import Faults
import Glibc

/// A log of records in a directory of segments: appended, flushed, never changed.
///
/// One flush for each batch. Opening it cuts the torn end that a crash may have left, which can only hold a batch that
/// was never acknowledged; damage anywhere else is a fault. One thread at a time, one process at a time (`LockFile`).
/// Plain files and `fsync` only, so that it is safe on a shared file system.
public final class AppendOnlyLog {
    public let directory: String
    /// Records in the log, all segments together.
    public private(set) var count: UInt64 = 0
    private let segmentBytes: Int
    private let calls: FileCalls
    private var segment: Descriptor?
    private var end = 0
    private var batch: UInt32 = 0
    private var failure: Fault?

    /// Opens the log, or makes it, and gives every record in order to `replay`.
    ///
    /// - Parameter segmentBytes: a segment that has reached this size is followed by a new one.
    /// - Throws: `Fault` when the log cannot be read or written, or is damaged before its end; whatever `replay` throws.
    public convenience init(
        directory: String, segmentBytes: Int = 64 << 20, replay: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        try self.init(directory: directory, segmentBytes: segmentBytes, calls: .system, replay: replay)
    }

    package init(
        directory: String, segmentBytes: Int = 64 << 20, calls: FileCalls,
        replay: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.calls = calls
        try makeDirectories(directory)
        let names = try Self.segmentNames(directory)
        for (i, name) in names.enumerated() {
            let path = directory + "/" + name
            let last = i == names.count - 1
            let bytes = try readWhole(path, limit: 1 << 40)
            let scan = try bytes.withUnsafeBytes {
                try LogScan(path, $0, first: count, batch: batch, isLast: last, replay: replay)
            }
            count += scan.records
            batch = scan.batch
            if last { try openLast(path, size: bytes.count, end: scan.end) }
        }
    }

    private func openLast(_ path: String, size: Int, end: Int) throws(Fault) {
        guard end > 0 else {
            // A crash between making a segment and flushing its header: it never held anything.
            guard unlink(path) == 0 else { throw systemFault(path, "remove it", errno) }
            return try synchronizeDirectory(directory)
        }
        let file = try Descriptor(path, O_RDWR, calls: calls)
        if end < size {
            try file.truncate(to: end)
            try file.synchronize()
        }
        segment = file
        self.end = end
    }

    /// Appends the records and flushes once: when this returns they survive the power.
    ///
    /// After a crash in mid-call some records from the start of the batch may be there.
    /// - Throws: `Fault` on a full disk, after which the log is as before and the call may be repeated; and when the
    ///   flush fails, after which nobody knows what the disk holds and every later call throws the same.
    public func append(_ records: [[UInt8]]) throws(Fault) {
        if let failure { throw failure }
        guard !records.isEmpty else { return }
        var bytes: [UInt8] = []
        for record in records {
            guard record.count <= LogFormat.largestRecord else {
                throw Fault(.internal, directory, "a record of \(record.count) bytes is too large for the log")
            }
            LogFormat.append(record: record, batch: batch + 1, to: &bytes)
        }
        let file = try segmentForAppending()
        try write(bytes, to: file)
        try flush(file)
        end += bytes.count
        batch += 1
        count += UInt64(records.count)
    }

    private func segmentForAppending() throws(Fault) -> Descriptor {
        if let segment, end < segmentBytes { return segment }
        let digits = String(count)
        let name = String(repeating: "0", count: max(0, 16 - digits.count)) + digits + ".log"
        let path = directory + "/" + name
        // A segment of the same name is left from a full disk a moment ago and holds nothing.
        let file = try Descriptor(path, O_RDWR | O_CREAT | O_TRUNC, calls: calls)
        end = 0
        segment = nil
        let header = LogFormat.header(firstRecord: count)
        do throws(Fault) {
            try write(header, to: file)
            try flush(file)
        } catch {
            unlink(path)
            throw error
        }
        try synchronizeDirectory(directory)
        segment = file
        end = header.count
        return file
    }

    private func write(_ bytes: [UInt8], to file: Descriptor) throws(Fault) {
        var caught: Fault?
        bytes.withUnsafeBytes { raw in
            do throws(Fault) { try file.write(raw, at: end) } catch { caught = error }
        }
        guard let caught else { return }
        do throws(Fault) { try file.truncate(to: end) } catch {
            failure = error
            throw error
        }
        throw caught
    }

    private func flush(_ file: Descriptor) throws(Fault) {
        do throws(Fault) { try file.synchronize() } catch {
            failure = error
            throw error
        }
    }

    /// Gives every whole record of a log to `visit` without changing it: for audits and for a log in use.
    public static func read(directory: String, visit: (UnsafeRawBufferPointer) throws -> Void) throws {
        var count: UInt64 = 0
        var batch: UInt32 = 0
        let names = try segmentNames(directory)
        for (i, name) in names.enumerated() {
            let path = directory + "/" + name
            let bytes = try readWhole(path, limit: 1 << 40)
            let scan = try bytes.withUnsafeBytes {
                try LogScan(path, $0, first: count, batch: batch, isLast: i == names.count - 1, replay: visit)
            }
            count += scan.records
            batch = scan.batch
        }
    }

    private static func segmentNames(_ directory: String) throws(Fault) -> [String] {
        try directoryNames(directory).filter { $0.hasSuffix(".log") }
    }
}

/// One pass over a segment: how many whole records it holds, where they end, the last batch.
struct LogScan {
    private(set) var records: UInt64 = 0
    /// Where the whole records end; 0 when not even the header is whole.
    private(set) var end = 0
    private(set) var batch: UInt32

    init(
        _ path: String, _ bytes: UnsafeRawBufferPointer, first: UInt64, batch: UInt32, isLast: Bool,
        replay: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        self.batch = batch
        guard let number = LogFormat.firstRecord(of: bytes) else {
            let torn = isLast && bytes.count <= LogFormat.headerSize
            guard torn else { throw Self.damage(path, at: 0, "its header is not a log's") }
            return
        }
        guard number == first else {
            throw Self.damage(path, at: 8, "it starts with record \(number) where record \(first) is due")
        }
        end = LogFormat.headerSize
        while let record = LogFormat.record(bytes, at: end) {
            guard record.batch == self.batch || record.batch == self.batch + 1 else {
                throw Self.damage(path, at: end, "batch \(record.batch) follows batch \(self.batch)")
            }
            try replay(UnsafeRawBufferPointer(rebasing: bytes[record.payload]))
            self.batch = record.batch
            end = record.payload.upperBound
            records += 1
        }
        guard end < bytes.count else { return }
        guard isLast, LogFormat.laterRecord(bytes, after: end, batch: self.batch + 1) == nil else {
            throw Self.damage(path, at: end, "a record there is damaged and others follow")
        }
    }

    private static func damage(_ path: String, at offset: Int, _ reason: String) -> Fault {
        Fault(
            .data, path, "the log is damaged at byte \(offset): \(reason)",
            mend: "restore the file from a copy, or start from a checkpoint in a new run directory")
    }
}
