public import Clips
import Faults
import Randomness
import Storage
import Wire

/// Writes the database that VMZ's `create_video_db.py` writes, straight from a list of videos.
public struct VMZDatabase: Sendable {
    /// Records hold paths instead of videos: `--use_list`.
    public var holdsPaths = false
    /// Records get a start frame, 0 where the list has none: `--use_start_frame`.
    public var hasStartFrames = false
    /// Records get the number of the video, that of the list's line where it has none: `--use_video_id`.
    public var hasVideoIDs = false
    /// So many times the whole list, in an order of its own each time: `--num_epochs`. Readers of Caffe2 do not shuffle.
    public var copies = 1
    /// Decides the orders.
    public var seed: UInt64 = 0

    public init() {}

    /// - Parameter directory: the database; it must not be there yet.
    /// - Throws: a `Fault` when a video is missing, and when the disk fails.
    public func write(_ list: ClipList, to directory: String) throws {
        if pathExists(directory) {
            throw Fault(.usage, directory, "is there already", mend: "name a new folder, or remove it")
        }
        var payload = 0
        for entry in list.entries {
            guard case .file(let size)? = try? fileKind(entry.path) else {
                throw Fault(
                    .data, "\(list.name):\(entry.line)", "there is no video \(entry.path)",
                    mend: "'zoetrope data check --fix' writes a list of those that are there")
            }
            payload += holdsPaths ? entry.path.utf8.count : size
        }
        let records = list.entries.count * copies
        let staged = try StagedDirectory(directory)
        let environment = try LMDBEnvironment(
            creating: staged.staging + "/data.mdb",
            capacity: payload * copies + payload * copies / 8 + records * 3 * 4096 + (16 << 20))
        let orders = (0..<copies).map {
            KeyedPermutation(count: list.entries.count, seed: seed, epoch: UInt64($0))
        }
        // LMDB takes keys in the order of their bytes, and VMZ's have no zeros in front.
        let keys = (0..<records).map { (bytes: Array(String($0).utf8), place: $0) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var next = 0
        while next < keys.count {
            try environment.write { transaction in
                var pending = 0
                repeat {
                    let (key, place) = keys[next]
                    let (copy, index) = place.quotientAndRemainder(dividingBy: list.entries.count)
                    let value = Caffe2Tensors.encode(try record(list.entries[orders[copy](index)]).tensors)
                    try value.withUnsafeBytes { try transaction.append(key: key, value: $0) }
                    pending += value.count
                    next += 1
                } while next < keys.count && pending < 64 << 20
            }
        }
        try environment.synchronize()
        try staged.commit()
    }

    private func record(_ entry: ClipList.Entry) throws(Fault) -> VMZRecord {
        VMZRecord(
            video: holdsPaths ? .path(entry.path) : .bytes(try readWhole(entry.path)), label: entry.label,
            startFrame: hasStartFrames ? entry.startFrame ?? 0 : nil,
            videoID: hasVideoIDs ? entry.videoID ?? entry.line : nil)
    }
}
