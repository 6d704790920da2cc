import Faults
import Glibc
import Storage

/// Writes videos into shards in the order of their digests, each content once, and makes the records that point there.
///
/// A shard that an earlier packing sealed, with the same videos in it, is taken as it is once its digest is found right.
struct ShardWriter {
    /// A record to be, and the file that holds its video.
    struct Candidate {
        let entry: ClipList.Entry
        let examination: Examination
        let file: String
    }

    private let folder: String
    private let earlier: String
    private let shardBytes: Int
    private let sealed: FindingsJournal
    private let findings: FindingsJournal
    private(set) var shards: [Manifest.Shard] = []
    /// Shards that were whole already.
    private(set) var kept = 0
    /// Bytes of all distinct videos.
    private(set) var payloadBytes = 0

    /// What a commit holds at most, so that LMDB's dirty pages stay small.
    private static let commitBytes = 64 << 20

    /// - Parameters:
    ///   - folder: where shards go, and where an earlier packing may have left some.
    ///   - earlier: the set under its name, where an earlier packing may have got before it was ended.
    ///   - sealed: which of them are whole.
    ///   - findings: what was found out about files.
    init(folder: String, earlier: String, shardBytes: Int, sealed: FindingsJournal, findings: FindingsJournal) {
        (self.folder, self.earlier, self.shardBytes) = (folder, earlier, shardBytes)
        (self.sealed, self.findings) = (sealed, findings)
    }

    /// - Returns: records in the order of ranks.
    mutating func write(_ candidates: [Candidate]) throws -> [ClipRecord] {
        let sorted = candidates.sorted { a, b in
            if a.examination.digest != b.examination.digest { return a.examination.digest < b.examination.digest }
            if a.entry.label != b.entry.label { return a.entry.label < b.entry.label }
            let (x, y) = (a.entry.startFrame ?? -1, b.entry.startFrame ?? -1)
            // Names decide only which of two alike records gets which name.
            return x != y ? x < y : a.entry.name < b.entry.name
        }
        var shardOf: [Digest: Int] = [:]
        var plan: [[Candidate]] = []
        var room = 0
        for candidate in sorted where shardOf[candidate.examination.digest] == nil {
            if plan.isEmpty || candidate.examination.byteCount > room {
                plan.append([])
                room = shardBytes
            }
            room -= candidate.examination.byteCount
            shardOf[candidate.examination.digest] = plan.count - 1
            plan[plan.count - 1].append(candidate)
        }
        let names = Set(plan.indices.map(Self.fileName))
        for name in try directoryNames(folder) where !names.contains(name) { try removeTree(folder + "/" + name) }
        for (number, members) in plan.enumerated() { try writeShard(Self.fileName(number), members) }
        return records(sorted, shardOf)
    }

    private static func fileName(_ number: Int) -> String {
        let digits = String(number)
        return "shard-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).mdb"
    }

    private mutating func writeShard(_ file: String, _ videos: [Candidate]) throws {
        var content = Digest.Hasher()
        for video in videos { content.update(video.examination.digest.bytes) }
        let plan = content.finish()
        let path = folder + "/" + file
        let payload = videos.reduce(0) { $0 + $1.examination.byteCount }
        payloadBytes += payload
        if let whole = try taken(file, plan) {
            kept += 1
            shards.append(whole)
            return
        }
        try removeTree(path)
        // A value takes whole pages and a header; the tree and its copies on write take little beside it.
        try fill(path, capacity: payload + videos.count * 3 * 4096 + payload / 8 + (16 << 20), videos)
        let shard = Manifest.Shard(file: file, byteCount: try fileSize(path), digest: try fileDigest(path))
        shards.append(shard)
        if let stamp = try FileStamp(path: path) { try sealed.add("\(plan) \(shard.digest)", of: file, stamp) }
    }

    /// The shard as an earlier packing left it, if it holds the videos of `plan` and its digest is right.
    private func taken(_ file: String, _ plan: Digest) throws(Fault) -> Manifest.Shard? {
        for place in [folder, earlier] {
            let path = place + "/" + file
            guard let stamp = try FileStamp(path: path), let finding = sealed.finding(of: file, stamp) else { continue }
            let words = finding.split(separator: " ")
            guard words.count == 2, words[0] == "\(plan)", let digest = Digest(hexadecimal: words[1]),
                try fileDigest(path) == digest
            else { continue }
            if place == earlier {
                // Under two names until the set that it is in is replaced.
                try removeTree(folder + "/" + file)
                guard link(path, folder + "/" + file) == 0 else { continue }
            }
            return Manifest.Shard(file: file, byteCount: stamp.byteCount, digest: digest)
        }
        return nil
    }

    private func fill(_ path: String, capacity: Int, _ videos: [Candidate]) throws {
        let environment = try LMDBEnvironment(creating: path, capacity: capacity)
        var next = 0
        while next < videos.count {
            try environment.write { transaction in
                var pending = 0
                repeat {
                    let video = videos[next]
                    let bytes = try readWhole(video.file, limit: Examination.mostBytes)
                    guard Digest(of: bytes) == video.examination.digest else {
                        try forget(video)
                        throw Fault(
                            .data, video.entry.name, "changed while it was packed", mend: "run the command again")
                    }
                    try bytes.withUnsafeBytes {
                        try transaction.append(key: video.examination.digest.bytes, value: $0)
                    }
                    pending += bytes.count
                    next += 1
                } while next < videos.count && pending < Self.commitBytes
            }
        }
        try environment.synchronize()
    }

    /// The next packing is to find out about it again, even if the file has the size and the time that it had.
    private func forget(_ video: Candidate) throws(Fault) {
        // One that was written anew is damaged on the disk, and is to be written once more.
        guard video.file == video.entry.path else { return try removeTree(video.file) }
        if let stamp = try FileStamp(path: video.file) { try findings.add("changed", of: video.file, stamp) }
    }

    private func records(_ sorted: [Candidate], _ shardOf: [Digest: Int]) -> [ClipRecord] {
        var records: [ClipRecord] = []
        for candidate in sorted {
            let (entry, examination) = (candidate.entry, candidate.examination)
            let last = records.last
            let isAlike =
                last?.digest == examination.digest && last?.label == entry.label && last?.startFrame == entry.startFrame
            records.append(
                ClipRecord(
                    digest: examination.digest, label: entry.label, startFrame: entry.startFrame,
                    ordinal: isAlike ? (last?.ordinal ?? 0) + 1 : 0, videoID: entry.videoID,
                    byteCount: examination.byteCount, frameCount: examination.frameCount, width: examination.width,
                    height: examination.height, access: examination.access,
                    shard: shardOf[examination.digest] ?? 0, name: entry.name))
        }
        return records
    }
}
