public import Faults
public import Storage
import Video

/// How a list is packed.
public struct PackOptions: Sendable {
    /// Names of the classes in the order of labels; `nil` keeps the data set's, or numbers them.
    public var classes: [String]?
    /// How the videos were made ready, in words, for `dataset.toml`; empty where they are as they came.
    public var profile = ""
    /// Decode every video to its end, which finds damage and streams whose timestamps lie.
    public var decodes = true
    /// Writes every video anew on the way; `nil` packs them as they are.
    public var transcoding: Transcoding?
    /// Examines the video at a path elsewhere, so that a crash of the decoder is not ours, and gives what
    /// `examineForPacking` found; called from several threads. A data `Fault` leaves the video out this time. `nil` examines
    /// here; videos that are written anew are examined here in any case.
    public var examine: (@Sendable (String) throws(Fault) -> String)?
    /// Has others find out about videos, too: is given the work, and returns when all of it is recorded. `nil` does it all
    /// here, on `threads` threads.
    /// - Throws: what ends the packing.
    public var sharing: (@Sendable (PackWork) throws(Fault) -> Void)?
    /// A file that is there and cannot be read ends the packing with `.stoppedEarly`, where it is otherwise left out this
    /// time: for sets that are packed once and found again, which would lack it from then on.
    public var endsAtUnread = false
    /// A shard is closed when it holds this many bytes.
    public var shardBytes = 1 << 30
    /// How many threads read and decode, or wait for children that write videos anew.
    public var threads = 1
    /// Called with how many of how many files are examined, from several threads.
    public var progress: (@Sendable (Int, Int) -> Void)?

    public init() {}
}

/// How videos are written anew before they are packed.
public struct Transcoding: Sendable {
    /// Together with the versions of the libraries, decides the bytes: what was written under another name does not hold.
    public var name: String
    /// Writes the video `source` anew as `target`, whole or not at all; called from several threads. A data `Fault` leaves
    /// the video out; any other ends the packing.
    public var write: @Sendable (_ source: String, _ target: String) throws(Fault) -> Void

    public init(name: String, write: @escaping @Sendable (String, String) throws(Fault) -> Void) {
        (self.name, self.write) = (name, write)
    }
}

/// What packing did.
public struct PackReport: Sendable, Equatable {
    /// A file by its name in the list, and what is wrong with it.
    public struct Problem: Sendable, Equatable {
        public let name: String
        /// Line in the list, from 1.
        public let line: Int
        public let reason: String
    }

    /// Records in the set.
    public var clips: Int
    public var classes: [String]
    /// Frames of all records.
    public var frames: Int
    /// Bytes of all distinct videos.
    public var bytes: Int
    /// See `PackedSet.digest`.
    public var digest: Digest
    /// Files that were left out.
    public var refused: [Problem]
    /// Files that were taken in although they do not decode to the end.
    public var damaged: [Problem]
    /// Files that an earlier packing, which was ended, had examined.
    public var resumed: Int
    /// Shards, and those of them that an earlier packing had written and that are taken as they are.
    public var shards: Int
    public var shardsKept: Int
}

/// Packs the videos of `list` as split `split` of the data set in `directory`, replacing that split if it is there.
///
/// Nothing appears under the split's name before it is whole. What a packing found out and wrote is kept beside it until
/// then (`PackWorkshop`): one that was ended decodes no video and writes no shard again. The set is the same for the same
/// videos and labels, in whatever order and under whatever names.
/// - Throws: a `Fault` when no video can be used, a label is out of range, or the disk fails.
public func pack(
    _ list: ClipList, split: String, into directory: String, options: PackOptions = PackOptions()
) throws -> PackReport {
    guard DataSetDescription.splitNames.contains(split) else {
        throw Fault(
            .usage, split, "is not a split of a data set",
            mend: advice(for: split, among: DataSetDescription.splitNames))
    }
    if let fault = FileSystemKind(path: directory).fault(forDatabase: directory) { throw fault }
    if options.transcoding != nil, let entry = list.entries.first(where: { $0.startFrame ?? 0 > 0 }) {
        throw Fault(
            .usage, "\(list.name):\(entry.line)",
            "starts at frame \(entry.startFrame ?? 0), which is another one once the video is written anew",
            mend: "pack with --profile keep, or a list without start_frm")
    }
    try makeDirectories(directory)
    let target = directory + "/" + split
    if try fileKind(target) == .directory, try !directoryNames(target).isEmpty,
        try fileKind(target + "/" + Manifest.fileName) == .other
    {
        throw Fault(
            .usage, target, "is a folder of something else, which the packed split would replace",
            mend: "choose another --out")
    }
    let lock = try LockFile(directory + "/.pack.lock", holder: "another packing into this data set")
    return try withExtendedLifetime(lock) {
        var description =
            pathExists(directory + "/" + DataSetDescription.fileName)
            ? try DataSetDescription(directory: directory) : DataSetDescription(classes: [], splits: [:])
        description.classes = try classes(list, split, description, options)
        let workshop = try PackWorkshop(directory, split)
        let report = try pack(list, into: workshop, &description, options)
        try description.write(directory: directory)
        try workshop.clear()
        return report
    }
}

private func pack(
    _ list: ClipList, into workshop: PackWorkshop, _ description: inout DataSetDescription, _ options: PackOptions
) throws -> PackReport {
    let (prepared, resumed, findings) = try workshop.prepare(list, options)
    var problems = (refused: [PackReport.Problem](), damaged: [PackReport.Problem]())
    var candidates: [ShardWriter.Candidate] = []
    for entry in list.entries {
        switch prepared[entry.path] {
        case .success(let video):
            candidates.append(.init(entry: entry, examination: video.examination, file: video.file))
            if let damage = video.examination.damage {
                problems.damaged.append(.init(name: entry.name, line: entry.line, reason: damage))
            }
        case .failure(let fault):
            problems.refused.append(.init(name: entry.name, line: entry.line, reason: fault.reason))
        case nil: break
        }
    }
    guard !candidates.isEmpty else {
        let first = problems.refused.first.map { "; the first, \($0.name), \($0.reason)" } ?? ""
        throw Fault(.data, list.name, "none of its videos can be used\(first)")
    }

    let staged = try StagedDirectory(workshop.target, resuming: true)
    var writer = ShardWriter(
        folder: staged.staging, earlier: workshop.target, shardBytes: options.shardBytes, sealed: try workshop.sealed(),
        findings: findings)
    let records = try writer.write(candidates)
    let manifest = Array(Manifest(shards: writer.shards, records: records).text.utf8)
    try writeWhole(manifest, to: staged.staging + "/" + Manifest.fileName)
    try staged.commit()

    let report = PackReport(
        clips: records.count, classes: description.classes, frames: records.reduce(0) { $0 + $1.frameCount },
        bytes: writer.payloadBytes, digest: records.setDigest, refused: problems.refused, damaged: problems.damaged,
        resumed: resumed, shards: writer.shards.count, shardsKept: writer.kept)
    description.splits[workshop.split] = .init(
        profile: options.profile, clips: report.clips, frames: report.frames, bytes: report.bytes,
        digest: report.digest, manifest: Digest(of: manifest))
    return report
}

/// The classes after packing; labels that do not fit are refused.
private func classes(
    _ list: ClipList, _ split: String, _ description: DataSetDescription, _ options: PackOptions
) throws(Fault) -> [String] {
    let largest = list.entries.max { $0.label < $1.label }
    let needed = (largest?.label ?? 0) + 1
    let known = options.classes ?? description.classes
    let isNamed = description.classes.contains { Int($0) == nil }
    // Numbers may get names, but none may go that another split has.
    let isOther = isNamed ? known != description.classes : known.count < description.classes.count
    if isOther, description.splits.keys.contains(where: { $0 != split }) {
        let label = (0..<max(known.count, description.classes.count)).first {
            !known.indices.contains($0) || !description.classes.indices.contains($0)
                || isNamed && known[$0] != description.classes[$0]
        }
        func name(_ names: [String]) -> String {
            label.flatMap { names.indices.contains($0) ? "'\(names[$0])'" : nil } ?? "missing"
        }
        throw Fault(
            .data, DataSetDescription.fileName,
            "the other splits have other classes: class \(label ?? 0) is \(name(description.classes)) there and \(name(known)) here",
            mend: "use one file of classes for all splits")
    }
    // Without names the training list says how many classes there are; another split may not add to them.
    if options.classes == nil, split == "train" || description.splits["train"] == nil {
        let others = description.splits.keys.contains { $0 != split }
        let kept = others || known.contains { Int($0) == nil } ? known : []
        return kept + (kept.count..<max(kept.count, needed)).map(String.init)
    }
    guard needed <= known.count else {
        throw Fault(
            .data, "\(list.name):\(largest?.line ?? 0)",
            "label \(needed - 1) of '\(largest?.name ?? "")' is out of range: there are \(known.count) classes",
            mend: "labels are 0 to \(known.count - 1)")
    }
    return known
}
