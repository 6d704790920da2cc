import Clips
import Faults
import Foundation
import Glibc
import Storage
import TestSupport

/// A small imitation of what the CVDF publishes as Kinetics-400, with videos that a network can learn from: two classes, 17
/// training and 5 validation videos that are of use, and among them what is wrong with the published ones.
final class PublishedVideos {
    let server: FileServer
    let folder: String
    /// Videos that are listed and of use, by split.
    static let sound = ["train": 17, "val": 5]
    private static let prefix = "/kinetics/400/"

    /// - Parameter blank: whether the folder has a blank in its name, which PySlowFast's lists cannot hold.
    init(blank: Bool = true) throws {
        folder = NSTemporaryDirectory() + "kinetics\(blank ? " " : "-")\(getpid())-\(UInt32.random(in: 0...(.max)))"
        try makeDirectories(folder)
        var files: [String: FileServer.File] = [:]
        var number: UInt64 = 0
        var replacement = TarWriter()
        for (split, parts, videos) in [("train", 3, 6), ("val", 2, 3)] {
            var list = ""
            // As published: names with a blank in quotes, lines of a spreadsheet.
            var rows = "label,youtube_id,time_start,time_end,split,is_cc\r\n"
            for part in 0..<parts {
                var tar = TarWriter()
                for i in 0..<videos {
                    number += 1
                    let kind = number % 2 == 0 ? MotionClass.left : .right
                    let id = "-\(split)_\(part)\(i)abcdefgh".prefix(11)
                    let name = "\(id)_000010_000020.mp4"
                    rows += "\"moving \(kind.name)\",\(id),10,20,\(split),0\r\n"
                    let bytes = try motionVideo(kind, seed: 5, number: number, frames: 30, size: 48)
                    switch (split, part, i) {
                    // A damaged one for which a replacement is published, and one for which none is.
                    case ("train", 1, 2):
                        tar.add("./" + name, Array(bytes.prefix(900)))
                        replacement.add("replacement_for_corrupted_k400/" + name, bytes)
                    case ("train", 2, 3): tar.add("./" + name, Array(bytes.prefix(2000)))
                    // One that is only listed.
                    case ("val", 1, 1): break
                    default: tar.add("./" + name, bytes)
                    }
                }
                files[Self.prefix + "\(split)/part_\(part).tar.gz"] = FileServer.File(
                    tar.gzipped, etag: "\"\(split)\(part)\"")
                list += "https://s3.amazonaws.com/kinetics/400/\(split)/part_\(part).tar.gz\n"
            }
            files[Self.prefix + "\(split)/k400_\(split)_path.txt"] = FileServer.File(Array(list.utf8))
            files[Self.prefix + "annotations/\(split).csv"] = FileServer.File(Array(rows.utf8))
        }
        files[Self.prefix + "replacement_for_corrupted_k400.tgz"] = FileServer.File(replacement.gzipped)
        server = try FileServer(files)
    }

    deinit {
        server.stop()
        try? removeTree(folder)
    }

    var mirror: String { server.address + "/kinetics" }

    /// From now on every kind of misbehaviour happens once more.
    func misbehave() {
        server.plan(Self.prefix + "train/part_0.tar.gz", [.breakOff(after: 20_000), .status(503, retryAfter: 0)])
        server.plan(Self.prefix + "train/part_1.tar.gz", [.hang(after: 5000)])
        server.plan(Self.prefix + "train/part_2.tar.gz", [.shorten(to: 9000)])
        server.plan(Self.prefix + "val/part_0.tar.gz", [.webPage])
        server.plan(Self.prefix + "val/part_1.tar.gz", [.breakOff(after: 0), .ignoreRange])
        server.plan(Self.prefix + "annotations/train.csv", [.status(429, retryAfter: 0)])
    }
}
