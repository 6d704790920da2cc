import Faults
import Storage

/// Writes videos into shards in the order of their digests, each content once, and makes the records that point there.
struct ShardWriter {
    private let folder: String
    private let shardBytes: Int
    private(set) var shards: [Manifest.Shard] = []
    /// Bytes of all distinct videos.
    private(set) var payloadBytes = 0

    /// What a commit holds at most, so that LMDB's dirty pages stay small.
    private static let commitBytes = 64 << 20

    init(folder: String, shardBytes: Int) {
        self.folder = folder
        self.shardBytes = shardBytes
    }

    /// - Returns: records in the order of ranks.
    mutating func write(_ candidates: [(entry: ClipList.Entry, examination: Examination)]) throws -> [ClipRecord] {
        let sorted = candidates.sorted { a, b in
            if a.examination.digest != b.examination.digest { return a.examination.digest < b.examination.digest }
            if a.entry.label != b.entry.label { return a.entry.label < b.entry.label }
            let (x, y) = (a.entry.startFrame ?? -1, b.entry.startFrame ?? -1)
            // Names decide only which of two alike records gets which name.
            return x != y ? x < y : a.entry.name < b.entry.name
        }
        var distinct: [(examination: Examination, path: String, name: String)] = []
        var shardOf: [Digest: Int] = [:]
        var plan: [[Int]] = []
        var room = 0
        for (entry, examination) in sorted where shardOf[examination.digest] == nil {
            if plan.isEmpty || examination.byteCount > room {
                plan.append([])
                room = shardBytes
            }
            room -= examination.byteCount
            shardOf[examination.digest] = plan.count - 1
            plan[plan.count - 1].append(distinct.count)
            distinct.append((examination, entry.path, entry.name))
        }
        for members in plan { try writeShard(members.map { distinct[$0] }) }
        return records(sorted, shardOf)
    }

    private mutating func writeShard(_ videos: [(examination: Examination, path: String, name: String)]) throws {
        let number = String(shards.count)
        let file = "shard-\(String(repeating: "0", count: max(0, 5 - number.count)))\(number).mdb"
        let path = folder + "/" + file
        let payload = videos.reduce(0) { $0 + $1.examination.byteCount }
        // A value takes whole pages and a header; the tree and its copies on write take little beside it.
        let capacity = payload + videos.count * 3 * 4096 + payload / 8 + (16 << 20)
        try fill(path, capacity: capacity, videos)
        shards.append(.init(file: file, byteCount: try fileSize(path), digest: try fileDigest(path)))
        payloadBytes += payload
    }

    private func fill(
        _ path: String, capacity: Int, _ videos: [(examination: Examination, path: String, name: String)]
    ) throws {
        let environment = try LMDBEnvironment(creating: path, capacity: capacity)
        var next = 0
        while next < videos.count {
            try environment.write { transaction in
                var pending = 0
                repeat {
                    let video = videos[next]
                    let bytes = try readWhole(video.path, limit: Examination.mostBytes)
                    guard Digest(of: bytes) == video.examination.digest else {
                        throw Fault(.data, video.name, "changed while it was packed", mend: "run the command again")
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

    private func records(
        _ sorted: [(entry: ClipList.Entry, examination: Examination)], _ shardOf: [Digest: Int]
    ) -> [ClipRecord] {
        var records: [ClipRecord] = []
        for (entry, examination) in sorted {
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
