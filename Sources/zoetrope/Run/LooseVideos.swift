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
    /// Whether it was there already.
    let isReused: Bool
    /// Clips of each split.
    let clips: [String: Int]
    /// Listed videos that cannot be used, of all splits.
    let leftOut: Int

    /// - Parameters:
    ///   - lists: By split.
    ///   - classes: How many there are.
    ///   - cache: A folder for such data sets.
    /// - Throws: a `Fault` when no video of a list can be used.
    init(_ lists: [(split: String, list: ClipList)], classes: Int, cache: String) throws {
        let digest = try Self.digest(lists, classes)
        let name = lists.map(\.split).joined(separator: "-") + "-" + String(digest.description.prefix(16))
        directory = cache + "/" + name
        if let known = try Self.whole(directory, lists.map(\.split)) {
            (isReused, clips) = (true, known.splits.mapValues(\.clips))
            leftOut = lists.reduce(0) { $0 + $1.list.entries.count } - clips.values.reduce(0, +)
            standardError("zoetrope: the videos are those in \(directory), packed before\n")
            return
        }
        isReused = false
        standardError("zoetrope: packing the videos into \(directory)\n")
        var clips: [String: Int] = [:]
        var leftOut = 0
        for (split, list) in lists {
            var options = PackOptions()
            options.threads = computeThreads(0)
            options.progress = progress("pack \(split)")
            options.classes = try Self.names(beside: list.name, classes: classes)
            let report = try pack(list, split: split, into: directory, options: options)
            for problem in report.refused.prefix(10) {
                standardError("zoetrope: \(list.name):\(problem.line): left out: \(problem.name): \(problem.reason)\n")
            }
            if report.refused.count > 10 {
                standardError("zoetrope: \(list.name): \(report.refused.count - 10) more were left out\n")
            }
            clips[split] = report.clips
            leftOut += report.refused.count
        }
        (self.clips, self.leftOut) = (clips, leftOut)
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

    private static func whole(_ directory: String, _ splits: [String]) throws(Fault) -> DataSetDescription? {
        guard pathExists(directory + "/" + DataSetDescription.fileName) else { return nil }
        let description = try DataSetDescription(directory: directory)
        return splits.allSatisfy { description.splits[$0] != nil } ? description : nil
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
