import Acquisition
import Faults
import Foundation
import Glibc
import Storage
import TestSupport

/// A small imitation of what the CVDF publishes as Kinetics-400, on a server of this machine.
final class PublishedTree {
    let server: FileServer
    let folder: String
    /// What extracting everything has to give, by path below `videos/`.
    private(set) var videos: [String: [UInt8]] = [:]
    static let parts = 4
    static let videosOfAPart = 5

    /// - Parameter seed: decides the videos' bytes.
    init(seed: UInt64 = 1) throws {
        folder = NSTemporaryDirectory() + "acquisition-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        var files: [String: FileServer.File] = [:]
        var next = seed
        func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in
                next = next &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: next >> 33)
            }
        }
        var damaged: [String] = []
        for (split, parts) in [("train", Self.parts), ("val", 1), ("test", 1)] {
            var list = ""
            for part in 0..<parts {
                var tar = TarWriter()
                // Archives of one set are laid out in several ways.
                let layout = ["./", "home/somebody/\(split)/", "", "a class/"][part % 4]
                if !layout.isEmpty { tar.add(layout, kind: "5") }
                for i in 0..<Self.videosOfAPart {
                    let name = "-\(split.prefix(2))_\(part)\(i)abcde_000010_000020.mp4"
                    let content = bytes(10_000 + 1000 * i)
                    tar.add(layout + name, content)
                    tar.add(layout + "._" + name, bytes(100))
                    videos[split + "/" + name] = content
                    if split == "train", i == 0 { damaged.append(name) }
                }
                files["/k/400/\(split)/part_\(part).tar.gz"] = FileServer.File(tar.gzipped, etag: "\"\(split)\(part)\"")
                list += "https://s3.amazonaws.com/kinetics/400/\(split)/part_\(part).tar.gz\n"
            }
            files["/k/400/\(split)/k400_\(split)_path.txt"] = FileServer.File(Array(list.utf8))
            files["/k/400/annotations/\(split).csv"] = FileServer.File(Array("label,youtube_id,time_start\n".utf8))
        }
        var replacement = TarWriter()
        for name in damaged {
            let content = bytes(5000)
            replacement.add("replacement_for_corrupted_k400/" + name, content)
            videos["train/" + name] = content
            videos["replacement/" + name] = content
        }
        files["/k/400/replacement_for_corrupted_k400.tgz"] = FileServer.File(replacement.gzipped)
        server = try FileServer(files)
    }

    deinit {
        server.stop()
        try? removeTree(folder)
    }

    /// Options without waits worth the name.
    func options(_ name: String = "a", splits: [String] = ["train", "val", "test"]) throws -> DownloadOptions {
        var options = DownloadOptions(set: try .named("kinetics-400"), out: folder + "/" + name, splits: splits)
        options.base = server.address + "/k"
        options.policy.firstWait = 0.001
        options.policy.longestWait = 0.002
        options.policy.attempts = 4
        options.limits.stall = 3
        options.random = { 0.5 }
        return options
    }

    /// Every file below a folder with what is in it, but for what tells how it came.
    static func content(_ folder: String) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try directoryNames(folder) {
            let path = folder + "/" + name
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            if isFolder.boolValue {
                for (below, bytes) in try content(path) { found[name + "/" + below] = bytes }
            } else if !["download.tsv", "extract.tsv", "download.lock", ".extract.lock"].contains(name) {
                found[name] = try readWhole(path)
            }
        }
        return found
    }
}
