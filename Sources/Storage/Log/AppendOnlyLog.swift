public import Faults
import Glibc

/// A log of records in a directory of segments: appended, flushed, never changed.
///
/// One flush for each batch. Opening it cuts the torn end that a crash may have left, which can only hold a batch that
/// was never acknowledged; damage anywhere else is a fault. One thread at a time, one process at a time (`LockFile`).
/// Plain files and `fsync` only, so that it is safe on a shared file system.
///
/// With a `generation` a writer may take over from one that is hung and may wake up in the middle of a write: each
/// generation begins a segment of its own and touches no other, the segment says how many records came before it, and
/// whatever the older writer still adds to its own segment counts for nothing.
public final class AppendOnlyLog {
    public let directory: String
    /// Records in the log, all segments together.
    public private(set) var count: UInt64 = 0
    private let generation: UInt64
    private let segmentBytes: Int
    private let calls: FileCalls
    private var segment: Descriptor?
    private var end = 0
    private var batch: UInt32 = 0
    /// The last flush of the segment failed: nothing more goes into it.
    private var isSpoilt = false
    private var failure: Fault?

    /// What reading a log found beside its records.
    public struct Reading: Sendable, Equatable {
        /// Torn by a crash, or added late by a writer that was fenced off: none of it was ever acknowledged.
        public var ignoredBytes = 0
        /// Segments that a writer began that was fenced off already.
        public var strayedSegments = 0
    }

    /// Opens the log, or makes it, and gives every record in order to `replay`.
    ///
    /// - Parameters:
    ///   - generation: Of this writer, higher than those before it; 0 for a log with one writer at a time.
    ///   - segmentBytes: A segment that has reached this size is followed by a new one.
    /// - Throws: `Fault` when the log cannot be read or written, is damaged before its end, or belongs to a later
    ///   generation; whatever `replay` throws.
    public convenience init(
        directory: String, generation: UInt64 = 0, segmentBytes: Int = 64 << 20,
        replay: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        try self.init(
            directory: directory, generation: generation, segmentBytes: segmentBytes, calls: .system, replay: replay)
    }

    package init(
        directory: String, generation: UInt64 = 0, segmentBytes: Int = 64 << 20, calls: FileCalls,
        replay: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        self.directory = directory
        self.generation = generation
        self.segmentBytes = segmentBytes
        self.calls = calls
        try makeDirectories(directory)
        let chain = try LogSegments(directory).chain
        if let last = chain.last, last.generation > generation {
            throw Fault(.internal, directory, "generation \(last.generation) writes it, and this is \(generation)")
        }
        var scan = LogScan()
        for (i, part) in chain.enumerated() {
            let path = directory + "/" + part.name
            let bytes = try readWhole(path, limit: 1 << 40)
            let next = i + 1 < chain.count ? chain[i + 1].firstRecord : nil
            let end = try bytes.withUnsafeBytes { try scan.take(path, $0, part, next: next, replay: replay) }
            if next == nil {
                try open(path, part, size: bytes.count, end: end)
            } else if end == 0 {
                try remove(path)
            }
        }
        count = scan.records
        batch = scan.batch
        // From here on nothing that an older writer adds can count.
        if generation > 0, segment == nil { _ = try makeSegment() }
    }

    /// Makes the last segment ready: ours is written on, another's stays as it is.
    private func open(_ path: String, _ part: LogSegments.Segment, size: Int, end: Int) throws(Fault) {
        // A crash between making a segment and flushing its header: it never held anything.
        guard end > 0 else { return try remove(path) }
        guard part.generation == generation else {
            // What was read may not have been flushed by the one who wrote it.
            return try flush(path)
        }
        let file = try Descriptor(path, O_RDWR, calls: calls)
        if end < size {
            try file.truncate(to: end)
            try file.synchronize()
        }
        segment = file
        self.end = end
    }

    private func flush(_ path: String) throws(Fault) {
        try Descriptor(path, O_RDONLY, calls: calls).synchronize()
    }

    private func remove(_ path: String) throws(Fault) {
        guard unlink(path) == 0 || errno == ENOENT else { throw systemFault(path, "remove it", errno) }
        try synchronizeDirectory(directory)
    }

    /// Appends the records and flushes once: when this returns they survive the power.
    ///
    /// After a crash in mid-call some records from the start of the batch may be there.
    /// - Throws: `Fault` on a full disk, after which the log is as before and the call may be repeated; and when the
    ///   flush fails otherwise, after which nobody knows what the disk holds and every later call throws the same.
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
        let file: Descriptor
        if let segment, end < segmentBytes, !isSpoilt { file = segment } else { file = try makeSegment() }
        try write(bytes, to: file)
        end += bytes.count
        batch += 1
        count += UInt64(records.count)
    }

    private func makeSegment() throws(Fault) -> Descriptor {
        let path = directory + "/" + LogSegments.Segment(firstRecord: count, generation: generation).name
        // One of ours of the same name is left from a full disk a moment ago and holds nothing.
        if let segment, segment.path == path { try remove(path) }
        segment = nil
        // With generations the name is ours alone, and whoever else makes it is to be noticed.
        let flags = O_RDWR | O_CREAT | (generation > 0 ? O_EXCL : O_TRUNC)
        let file = try Descriptor(path, flags, calls: calls)
        let header = LogFormat.Header(firstRecord: count, generation: generation, batch: batch).bytes
        end = 0
        do throws(Fault) {
            try write(header, to: file)
            try Descriptor(directory, O_RDONLY | O_DIRECTORY, calls: calls).synchronize()
        } catch {
            // After a full disk the next attempt makes it anew; after anything else nobody knows what the folder holds.
            if error.code != .stoppedEarly { failure = error }
            unlink(path)
            throw error
        }
        segment = file
        isSpoilt = false
        end = header.count
        return file
    }

    /// Writes at the end and flushes; what does not succeed is cut off again.
    private func write(_ bytes: [UInt8], to file: Descriptor) throws(Fault) {
        var caught: Fault?
        bytes.withUnsafeBytes { raw in
            do throws(Fault) { try file.write(raw, at: end) } catch { caught = error }
        }
        if caught == nil {
            do throws(Fault) { try file.synchronize() } catch {
                // Where blocks are found at the flush only (NFS, quotas), a full disk is told here. The file is not
                // trusted with more: the next append begins another.
                guard error.code == .stoppedEarly else {
                    failure = error
                    throw error
                }
                caught = error
                isSpoilt = true
            }
        }
        guard let caught else { return }
        do throws(Fault) { try file.truncate(to: end) } catch {
            failure = error
            throw error
        }
        throw caught
    }

    /// Gives every whole record of a log to `visit` without changing it: for audits and for a log in use.
    @discardableResult
    public static func read(
        directory: String, visit: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Reading {
        let segments = try LogSegments(directory)
        var scan = LogScan()
        for (i, part) in segments.chain.enumerated() {
            let path = directory + "/" + part.name
            let bytes = try readWhole(path, limit: 1 << 40)
            let next = i + 1 < segments.chain.count ? segments.chain[i + 1].firstRecord : nil
            _ = try bytes.withUnsafeBytes { try scan.take(path, $0, part, next: next, replay: visit) }
        }
        return Reading(ignoredBytes: scan.ignoredBytes, strayedSegments: segments.strays.count)
    }
}
