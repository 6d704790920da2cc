public import Faults
import Glibc
import Storage
import Synchronization
import Threads

/// What to extract, and how.
public struct ExtractOptions: Sendable {
    /// The data set's folder: videos go to `videos/SPLIT/`.
    public var out: String
    /// Where the archives are, in a folder for each split.
    public var archives: String
    /// Empty: every folder of archives there is.
    public var splits: [String] = []
    /// Archives under way at once.
    public var jobs = 2
    /// Remove an archive when its videos are on the disk, with the bytes that came out of it.
    public var removeArchives = false
    public var cancellation = Cancellation()
    /// Sees bytes of archives done and in all, from several threads, one at a time.
    public var progress: @Sendable (_ done: Int, _ total: Int, _ videos: Int) -> Void = { _, _, _ in }
    public var freeBytes: @Sendable (String) throws(Fault) -> Int = freeBytesOnDisk

    public init(out: String) {
        self.out = out
        archives = out + "/archives"
    }
}

public struct ExtractReport: Sendable, Equatable {
    public struct Archive: Sendable, Equatable {
        public enum Status: String, Sendable { case extracted, skipped, refused }
        public var name: String
        public var split: String
        public var status: Status
        public var videos = 0
        public var bytes = 0
        /// Entries that were left out.
        public var ignored = 0
        public var reason = ""
    }
    public var archives: [Archive]
    public var replaced = 0
    public var unusedReplacements = 0

    public func count(_ status: Archive.Status) -> Int { archives.count { $0.status == status } }
    public var videos: Int { archives.reduce(0) { $0 + $1.videos } }

    public var table: String {
        tabSeparated(
            [["archive", "split", "status", "videos", "bytes", "ignored", "reason"]]
                + archives.map {
                    [$0.name, $0.split, $0.status.rawValue, "\($0.videos)", "\($0.bytes)", "\($0.ignored)", $0.reason]
                })
    }
}

/// Takes the videos out of downloaded archives, several at once, and puts replacements in place. Archives that were
/// extracted before are skipped; those that are damaged or hostile are in the report and give nothing.
///
/// - Throws: `Fault` for what keeps everything from going on: no archives, no space, a stop that was asked for.
public func extract(_ options: ExtractOptions) throws(Fault) -> ExtractReport {
    try makeDirectories(options.out + "/videos")
    let lock = try LockFile(options.out + "/videos/.extract.lock", holder: "another extraction into this folder")
    return try withExtendedLifetime(lock) { () throws(Fault) in try Extraction(options).run() }
}

private final class Extraction: Sendable {
    private struct Item: Sendable {
        var split: String
        var name: String
        var path: String
        var bytes: Int
        var record: String
    }
    private struct State {
        var done = 0
        var videos = 0
        var fault: Fault?
    }

    private let options: ExtractOptions
    private let state = Mutex(State())
    private let publishing = Mutex(())
    private let replaced: Set<String>

    init(_ options: ExtractOptions) throws(Fault) {
        self.options = options
        replaced = try Replacements.names(in: options.out + "/videos/" + PublishedSet.replacementSplit)
    }

    func run() throws(Fault) -> ExtractReport {
        let items = try items()
        for split in Set(items.map(\.split)) {
            let folder = options.out + "/videos/" + split
            try makeDirectories(folder)
            let ours = [ArchiveExtraction.stagingPrefix, Replacements.stagingPrefix]
            for name in try directoryNames(folder) where ours.contains(where: name.hasPrefix) {
                try removeTree(folder + "/" + name)
            }
        }
        let standing = onThreads(items.count) { self.standing(items[$0]) }
        try checkSpace(zip(items, standing).filter { $1 == nil }.map(\.0))
        let total = items.reduce(0) { $0 + $1.bytes }
        let archives = onThreads(items.count) { i in
            let item = items[i]
            let known = i < standing.count ? standing[i] : nil
            let outcome = known.map { self.skip(item, $0) } ?? self.extract(item)
            self.state.withLock {
                $0.done += item.bytes
                $0.videos += outcome.videos
                self.options.progress($0.done, total, $0.videos)
            }
            return outcome
        }
        if let fault = state.withLock({ $0.fault }) { throw fault }
        guard !options.cancellation.isCancelled else {
            throw Fault(.stoppedEarly, options.out, "the extraction was stopped", mend: "the same command continues")
        }
        var report = ExtractReport(archives: archives)
        try replace(&report, splits: Set(items.map(\.split)).sorted())
        try writeWhole(report.table, to: options.out + "/extract.tsv")
        return report
    }

    /// In order; after a stop the rest is left alone.
    private func onThreads<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Value) -> [Value] {
        let cancellation = options.cancellation
        let values = mapOnThreads(name: "extract", count: count, threads: options.jobs) { i -> Value? in
            cancellation.isCancelled ? nil : body(i)
        }
        return values.compactMap { $0 }
    }

    /// The archives that there are, in the order of their splits and names.
    private func items() throws(Fault) -> [Item] {
        let root = options.archives
        guard pathExists(root) else {
            throw Fault(.usage, root, "is not there", mend: "run zoetrope data download first, or name --archives")
        }
        var items: [Item] = []
        let present = try directoryNames(root).filter { isPlainName($0) }
        for split in options.splits where !present.contains(split) {
            throw Fault(.usage, root, "has no folder '\(split)'", mend: advice(for: split, among: present))
        }
        for split in present
        where options.splits.isEmpty || options.splits.contains(split) || split == PublishedSet.replacementSplit {
            let folder = root + "/" + split
            guard let names = try? directoryNames(folder) else { continue }
            let wanted = names.filter { name in
                isPlainName(name) && [".tar.gz", ".tgz", ".tar"].contains { name.lowercased().hasSuffix($0) }
            }
            for name in wanted {
                items.append(
                    Item(
                        split: split, name: name, path: folder + "/" + name, bytes: try fileSize(folder + "/" + name),
                        record: ExtractionRecord.path(out: options.out, split: split, archive: name)))
            }
        }
        return items
    }

    /// The outcome of an archive whose videos are all here; `nil` when it has to be extracted.
    private func standing(_ item: Item) -> ExtractReport.Archive? {
        guard let record = ExtractionRecord.read(item.record) else { return nil }
        let digest: Digest?
        // A receipt tells what the file was; what is to be removed is read again.
        if !options.removeArchives, let receipt = Receipt.read(of: item.path), receipt.bytes == item.bytes {
            digest = receipt.digest
        } else {
            digest = try? fileDigest(item.path)
        }
        guard digest == record.archive else { return nil }
        let folder = options.out + "/videos/" + item.split + "/"
        // A larger video of the name, or a replacement of any size, may have taken its place.
        let isWhole = record.videos.allSatisfy { video in
            guard let bytes = try? fileSize(folder + video.name) else { return false }
            return bytes >= video.bytes || isReplaced(video.name, in: item.split)
        }
        return isWhole ? outcome(item, record, .skipped, "") : nil
    }

    private func isReplaced(_ name: String, in split: String) -> Bool {
        split != PublishedSet.replacementSplit && replaced.contains { $0.prefix(11) == name.prefix(11) }
    }

    /// An earlier extraction left the archive, or was ended before it removed it.
    private func skip(_ item: Item, _ outcome: ExtractReport.Archive) -> ExtractReport.Archive {
        guard options.removeArchives, let record = ExtractionRecord.read(item.record) else { return outcome }
        let folder = options.out + "/videos/" + item.split + "/"
        let others = record.videos.filter { (try? fileDigest(folder + $0.name)) != $0.digest }.map(\.name)
        var outcome = outcome
        do throws(Fault) { outcome.reason = try remove(item, record, unless: others) } catch { stop(error) }
        return outcome
    }

    /// Ends the whole extraction; the first fault counts.
    private func stop(_ fault: Fault) {
        state.withLock { if $0.fault == nil { $0.fault = fault } }
        options.cancellation.cancel()
    }

    private func extract(_ item: Item) -> ExtractReport.Archive {
        do throws(Fault) {
            let (record, conflicts) = try ArchiveExtraction(
                archive: item.path, folder: options.out + "/videos/" + item.split, record: item.record,
                publish: { body in self.publishing.withLock { _ in body() } }, cancellation: options.cancellation
            ).run()
            if let receipt = Receipt.read(of: item.path), receipt.digest != record.archive {
                try Receipt(bytes: item.bytes, digest: record.archive, validator: nil).write(of: item.path)
            }
            var words = conflicts.isEmpty ? "" : "\(conflicts.count) videos differ from ones of the same name elsewhere"
            if options.removeArchives {
                let staying = try remove(item, record, unless: conflicts)
                if !staying.isEmpty { words = staying }
            }
            return outcome(item, record, .extracted, words)
        } catch {
            if error.code != .data { stop(error) }
            return ExtractReport.Archive(name: item.name, split: item.split, status: .refused, reason: error.reason)
        }
    }

    /// Removes an archive, if every video that came out of it lies here, or a replacement of it. The receipt stays: a later
    /// download then knows that nothing is missing.
    /// - Parameter others: names under which something else lies.
    /// - Returns: why the archive stays; empty when it is gone.
    private func remove(_ item: Item, _ record: ExtractionRecord, unless others: [String]) throws(Fault) -> String {
        let others = others.filter { !isReplaced($0, in: item.split) }
        if let first = others.first {
            return "is not removed: \(others.count) of its videos are here with another content, '\(first)' for one"
        }
        try Receipt(bytes: item.bytes, digest: record.archive, validator: Receipt.read(of: item.path)?.validator)
            .write(of: item.path)
        try removeTree(item.path)
        return ""
    }

    private func outcome(
        _ item: Item, _ record: ExtractionRecord, _ status: ExtractReport.Archive.Status, _ reason: String
    ) -> ExtractReport.Archive {
        ExtractReport.Archive(
            name: item.name, split: item.split, status: status, videos: record.videos.count,
            bytes: record.videos.reduce(0) { $0 + $1.bytes }, ignored: record.skipped.count, reason: reason)
    }

    private func checkSpace(_ items: [Item]) throws(Fault) {
        // Videos do not shrink in gzip: they take what their archives take.
        let needed = items.reduce(0) { $0 + $1.bytes }
        let free = try options.freeBytes(options.out)
        let spare = 64 << 20
        guard needed == 0 || needed + needed / 50 + spare <= free else {
            throw Fault(
                .stoppedEarly, options.out,
                "has \(inGigabytes(free)) free, and the videos will take \(inGigabytes(needed))",
                mend: "free some space, or extract some splits with --remove-archives first")
        }
    }

    private func replace(_ report: inout ExtractReport, splits: [String]) throws(Fault) {
        let videos = options.out + "/videos/"
        let replacements = Replacements(
            folder: videos + PublishedSet.replacementSplit,
            splits: splits.filter { $0 != PublishedSet.replacementSplit }.map { videos + $0 })
        let found = try replacements.apply()
        (report.replaced, report.unusedReplacements) = (found.applied + found.standing, found.unused)
    }
}
