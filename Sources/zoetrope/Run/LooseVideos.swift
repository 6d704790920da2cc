import Clips
import Curation
import Faults
import Foundation
import Reporting
import Storage

/// Lists of loose videos as a data set: packed once into a cache beside them, and found again while nothing has changed.
struct LooseVideos {
    /// The data set.
    let directory: String
    /// Clips of each split.
    let clips: [String: Int]
    /// Listed videos that cannot be used, of all splits.
    let leftOut: Int

    /// - Parameters:
    ///   - lists: By split.
    ///   - classes: How many there are.
    ///   - cache: A folder for such data sets.
    /// - Throws: a `Fault` when no video of a list can be used; `.stoppedEarly` when one that is there cannot be read now.
    init(_ lists: [(split: String, list: ClipList)], classes: Int, cache: String) throws {
        let digest = try Self.digest(lists, classes)
        let name = lists.map(\.split).joined(separator: "-") + "-" + String(digest.description.prefix(16))
        let directory = cache + "/" + name
        let known = try Self.packed(directory)
        let isReused = lists.allSatisfy { known[$0.split] != nil }
        standardError(
            isReused
                ? "zoetrope: the videos are those in \(directory), packed before\n"
                : "zoetrope: packing the videos into \(directory)\n")
        var clips: [String: Int] = [:]
        var leftOut = 0
        for (split, list) in lists {
            let count = try known[split]?.clips ?? Self.write(list, split, classes, into: directory)
            clips[split] = count
            leftOut += list.entries.count - count
        }
        (self.directory, self.clips, self.leftOut) = (directory, clips, leftOut)
        if isReused, leftOut > 0 {
            standardError("zoetrope: \(leftOut) listed videos are not in it: they are missing or do not open\n")
        }
    }

    /// Packs one split.
    /// - Returns: How many clips there are.
    private static func write(
        _ list: ClipList, _ split: String, _ classes: Int, into directory: String
    ) throws -> Int {
        var options = PackOptions()
        options.threads = computeThreads(0)
        options.endsAtUnread = true
        options.progress = progress("pack \(split)")
        options.classes = try names(beside: list.name, classes: classes)
        let report = try pack(list, split: split, into: directory, options: options)
        for problem in report.refused.prefix(10) {
            standardError("zoetrope: \(list.name):\(problem.line): left out: \(problem.name): \(problem.reason)\n")
        }
        if report.refused.count > 10 {
            standardError("zoetrope: \(list.name): \(report.refused.count - 10) more were left out\n")
        }
        return report.clips
    }

    /// The classes' names where a file beside the list has them, and their numbers otherwise.
    private static func names(beside list: String, classes: Int) throws(Fault) -> [String] {
        let folder = URL(fileURLWithPath: list).deletingLastPathComponent().path
        let file = folder + "/" + ClassList.fileName
        let known = pathExists(file) ? try ClassList(path: file).names : []
        guard known.count <= classes else {
            throw Fault(.data, file, "names \(known.count) classes, and the network has \(classes)")
        }
        return known + (known.count..<classes).map(String.init)
    }

    /// The splits that are whole, of those that are packed one after another.
    private static func packed(_ directory: String) throws(Fault) -> [String: DataSetDescription.Split] {
        guard pathExists(directory + "/" + DataSetDescription.fileName) else { return [:] }
        return try DataSetDescription(directory: directory).splits
    }

    /// What names the cache: each line of the lists, and size and time of its file.
    private static func digest(_ lists: [(split: String, list: ClipList)], _ classes: Int) throws(Fault) -> Digest {
        var hasher = Digest.Hasher()
        hasher.update(Array("zoetrope-loose 1 \(classes)\n".utf8))
        for (split, list) in lists {
            for entry in list.entries {
                let stamp = try FileStamp(path: entry.path)
                let words = [
                    split, entry.path, "\(entry.label)", "\(entry.startFrame ?? -1)", "\(entry.videoID ?? -1)",
                    "\(stamp?.byteCount ?? -1)", "\(stamp?.modified ?? -1)",
                ]
                hasher.update(Array((words.joined(separator: "\u{0}") + "\n").utf8))
            }
        }
        return hasher.finish()
    }
}
