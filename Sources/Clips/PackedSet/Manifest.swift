import Faults
import Storage
import Video

/// What a packed set holds, as the text file `manifest` beside its shards.
///
/// The first line is `zoetrope-manifest 1`. Then a line for each shard (`shard`, file, bytes, SHA-256) and for each clip in
/// the order of ranks (`clip`, shard, bytes, SHA-256, label, start frame, ordinal, video id, frames, width, height,
/// access, name), fields separated by tabs; `-` stands for none.
struct Manifest: Equatable {
    struct Shard: Equatable {
        var file: String
        var byteCount: Int
        var digest: Digest
    }

    static let fileName = "manifest"
    /// Frames before the start of a clip, and whatever else a line counts, at most.
    static let mostFrames = 1 << 40
    private static let firstLine = "zoetrope-manifest 1"

    var shards: [Shard]
    /// In the order of ranks.
    var records: [ClipRecord]

    init(shards: [Shard], records: [ClipRecord]) {
        self.shards = shards
        self.records = records
    }

    var text: String {
        var lines = [Self.firstLine]
        lines += shards.map { "shard\t\($0.file)\t\($0.byteCount)\t\($0.digest)" }
        lines += records.map { record in
            [
                "clip", "\(record.shard)", "\(record.byteCount)", "\(record.digest)", "\(record.label)",
                record.startFrame.map(String.init) ?? "-", "\(record.ordinal)",
                record.videoID.map(String.init) ?? "-", "\(record.frameCount)", "\(record.width)", "\(record.height)",
                record.access == .indexed ? "indexed" : "sequential", record.name.oneLine,
            ].joined(separator: "\t")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// - Throws: a data `Fault` that names the first line that is wrong.
    init(text: String, path: String) throws(Fault) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == Self.firstLine[...] else {
            throw Fault(
                .data, path, "is not the manifest of a packed set that this version reads", mend: "pack the set again")
        }
        (shards, records) = ([], [])
        for (i, line) in lines.enumerated() where !line.isEmpty {
            var fields = line.split(separator: "\t", omittingEmptySubsequences: false)[...]
            let kind = fields.popFirst()
            if kind == "shard", let shard = Self.shard(fields) {
                shards.append(shard)
            } else if kind == "clip", let record = Self.record(fields), record.shard < shards.count {
                records.append(record)
            } else {
                throw Fault(.data, "\(path):\(i + 2)", "is not a line of a manifest", mend: "pack the set again")
            }
        }
        guard !records.isEmpty else { throw Fault(.data, path, "holds no clip", mend: "pack the set again") }
    }

    private static func shard(_ fields: ArraySlice<Substring>) -> Shard? {
        guard fields.count == 3, let count = Int(fields[fields.startIndex + 1]), count > 0,
            let digest = Digest(hexadecimal: fields[fields.startIndex + 2])
        else { return nil }
        let file = fields[fields.startIndex]
        guard !file.isEmpty, !file.contains("/") else { return nil }
        return Shard(file: String(file), byteCount: count, digest: digest)
    }

    private static func record(_ fields: ArraySlice<Substring>) -> ClipRecord? {
        let f = Array(fields)
        guard f.count == 12 else { return nil }
        func number(_ i: Int, _ range: ClosedRange<Int>) -> Int? { Int(f[i]).flatMap { range.contains($0) ? $0 : nil } }
        let any = 0...Self.mostFrames
        guard let shard = number(0, any), let byteCount = number(1, any), let digest = Digest(hexadecimal: f[2]),
            let label = number(3, 0...ClipList.mostClasses), f[4] == "-" || number(4, any) != nil,
            let ordinal = number(5, any), f[6] == "-" || Int(f[6]) != nil, let frameCount = number(7, 1...(1 << 30)),
            let width = number(8, 1...(1 << 16)), let height = number(9, 1...(1 << 16)),
            f[10] == "indexed" || f[10] == "sequential"
        else { return nil }
        return ClipRecord(
            digest: digest, label: label, startFrame: Int(f[4]), ordinal: ordinal, videoID: Int(f[6]),
            byteCount: byteCount, frameCount: frameCount, width: width, height: height,
            access: f[10] == "indexed" ? .indexed : .sequential(count: frameCount), shard: shard,
            name: String(oneLine: f[11]))
    }
}
