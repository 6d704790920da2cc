import Acquisition
import Faults
import Foundation
import Glibc
import Storage
import TestSupport
import Testing

@Suite("Extraction") struct ExtractTests {
    private func downloaded(_ tree: PublishedTree) throws -> ExtractOptions {
        let options = try tree.options()
        if !pathExists(options.out + "/download.tsv") { _ = try download(options) }
        return ExtractOptions(out: options.out)
    }

    private func videos(_ options: ExtractOptions) throws -> [String: [UInt8]] {
        try PublishedTree.content(options.out + "/videos").filter { !$0.key.hasPrefix(".") }
    }

    @Test func everyLayoutGivesVideosAndReplacementsTakeTheirPlace() throws {
        let tree = try PublishedTree()
        let options = try downloaded(tree)
        let report = try extract(options)
        #expect(try videos(options) == tree.videos)
        #expect(report.count(.extracted) == 7 && report.replaced == 4 && report.unusedReplacements == 0)
        #expect(report.archives.allSatisfy { $0.split == "replacement" || $0.ignored == PublishedTree.videosOfAPart })
    }

    @Test func whatWasExtractedIsSkippedUntilAVideoIsMissing() throws {
        let tree = try PublishedTree()
        let options = try downloaded(tree)
        _ = try extract(options)
        #expect(try extract(options).count(.skipped) == 7)
        let lost = try #require(tree.videos.keys.sorted().first { $0.hasPrefix("val/") })
        try removeTree(options.out + "/videos/" + lost)
        let report = try extract(options)
        #expect(report.count(.extracted) == 1 && report.archives.first { $0.status == .extracted }?.split == "val")
        #expect(try videos(options) == tree.videos)
    }

    @Test func removedArchivesAreNotFetchedAgain() throws {
        let tree = try PublishedTree()
        var options = try downloaded(tree)
        options.removeArchives = true
        _ = try extract(options)
        #expect(!pathExists(options.out + "/archives/train/part_0.tar.gz"))
        tree.server.forgetRequests()
        let report = try download(try tree.options())
        #expect(report.count(.extracted) == 7 && tree.server.requests.isEmpty)
        var refreshing = try tree.options()
        refreshing.refresh = true
        #expect(try download(refreshing).count(.extracted) == 7)
        #expect(!tree.server.requests.contains { $0.method == "GET" && $0.path.hasSuffix("gz") })
        #expect(try extract(options).archives.isEmpty)
        #expect(try videos(options) == tree.videos)
    }

    @Test func archivesThatWereExtractedBeforeAreRemovedToo() throws {
        let tree = try PublishedTree()
        var options = try downloaded(tree)
        _ = try extract(options)
        options.removeArchives = true
        #expect(try extract(options).count(.skipped) == 7)
        #expect(!pathExists(options.out + "/archives/train/part_0.tar.gz"))
        tree.server.forgetRequests()
        #expect(try download(try tree.options()).count(.extracted) == 7)
        #expect(tree.server.requests.isEmpty)
        #expect(try videos(options) == tree.videos)
    }

    /// Of what has the size that was recorded, and other bytes, nothing is the copy that may go.
    @Test func archivesAreRemovedByDigestsAndNotBySizes() throws {
        let tree = try PublishedTree()
        var options = try downloaded(tree)
        _ = try extract(options)
        func flipLastByte(_ path: String) throws {
            var bytes = try readWhole(path)
            bytes[bytes.count - 1] ^= 1
            try writeWhole(bytes, to: path)
        }
        let rotten = try #require(tree.videos.keys.sorted().first { $0.hasPrefix("val/") })
        try flipLastByte(options.out + "/videos/" + rotten)
        let (archives, changed) = (options.out + "/archives", options.out + "/archives/train/part_1.tar.gz")
        try flipLastByte(changed)
        options.removeArchives = true
        let report = try extract(options)
        let kept = try #require(report.archives.first { $0.split == "val" })
        #expect(kept.status == .skipped && kept.reason.contains("-va_"), "\(kept.reason)")
        #expect(pathExists(archives + "/val/part_0.tar.gz"))
        let other = try #require(report.archives.first { $0.split == "train" && $0.name == "part_1.tar.gz" })
        #expect(other.status == .refused && pathExists(changed), "\(other.reason)")
        #expect(!pathExists(archives + "/train/part_0.tar.gz"))
        // Without the one that rotted the archive gives it again, and goes.
        try removeTree(options.out + "/videos/" + rotten)
        _ = try extract(options)
        #expect(!pathExists(archives + "/val/part_0.tar.gz"))
        #expect(try videos(options) == tree.videos)
    }

    private static let hostile: [(TarWriter, String)] = {
        func tar(_ add: (inout TarWriter) -> Void) -> TarWriter {
            var tar = TarWriter()
            tar.add("good.mp4", [1, 2, 3])
            add(&tar)
            return tar
        }
        return [
            (tar { $0.add("/etc/evil.mp4", [1]) }, "would leave the folder"),
            (tar { $0.add("a/../../evil.mp4", [1]) }, "would leave the folder"),
            (tar { $0.add("evil.mp4", kind: "2", target: "/etc/passwd") }, "is a link"),
            (tar { $0.add("evil.mp4", kind: "1", target: "good.mp4") }, "is a link"),
            (tar { $0.add("evil.mp4", kind: "3") }, "neither a file nor a folder"),
            (tar { $0.add("evil.mp4", kind: "6") }, "neither a file nor a folder"),
            (tar { $0.add("huge.mp4", kind: "0", claimed: 3 << 30) }, "claims 3221225472 bytes"),
            (tar { $0.add("cut.mp4", [1], claimed: 1 << 20) }, "damaged"),
            (tar { $0.add("a\u{1B}[2J.mp4", [1]) }, "no name for a file"),
            (tar { $0.add("a\\b.mp4", [1]) }, "no name for a file"),
            (tar { $0.add("a/\u{301}b.mp4", [1]) }, "no name for a file"),
        ]
    }()

    @Test(arguments: 0..<11) func hostileArchivesGiveNothing(number: Int) throws {
        let (tar, words) = Self.hostile[number]
        let tree = try PublishedTree()
        let options = try downloaded(tree)
        try writeWhole(tar.gzipped, to: options.out + "/archives/train/part_9.tar.gz")
        let report = try extract(options)
        let refused = try #require(report.archives.first { $0.name == "part_9.tar.gz" })
        #expect(refused.status == .refused && refused.reason.contains(words), "\(refused.reason)")
        #expect(report.count(.extracted) == 7)
        #expect(try videos(options) == tree.videos, "nothing of the hostile archive is left, and nothing else is lost")
        #expect(!pathExists("/etc/evil.mp4"))
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func damagedArchivesGiveNothing(seed: UInt64) throws {
        let tree = try PublishedTree()
        let options = try downloaded(tree)
        let path = options.out + "/archives/train/part_2.tar.gz"
        var bytes = try readWhole(path)
        var dice = seed &* 0x9E37_79B9_7F4A_7C15
        dice ^= dice >> 29
        if seed % 2 == 0 {
            bytes.removeLast(1 + Int(dice % UInt64(bytes.count - 1)))
        } else {
            // Past gzip's header, some of whose fields mean nothing.
            bytes[10 + Int(dice % UInt64(bytes.count - 10))] ^= UInt8(1 << (seed % 8))
        }
        try writeWhole(bytes, to: path)
        let report = try extract(options)
        let found = try #require(report.archives.first { $0.name == "part_2.tar.gz" })
        #expect(found.status == .refused, "seed \(seed)")
        #expect(try videos(options) == tree.videos.filter { !$0.key.hasPrefix("train/-tr_2") }, "seed \(seed)")
    }

    @Test func theSameNameInTwoArchives() throws {
        let folder = NSTemporaryDirectory() + "acquisition-two-\(UInt32.random(in: 0...(.max)))"
        defer { try? removeTree(folder) }
        var found: [[UInt8]] = []
        for order in [[0, 1], [1, 0]] {
            let options = ExtractOptions(out: folder + "/\(order[0])")
            for (place, which) in order.enumerated() {
                var tar = TarWriter()
                tar.add("a.mp4", [UInt8](repeating: UInt8(which), count: 10))
                try makeDirectories(options.archives + "/train")
                // A plain tar under the name of a compressed one, as part_120 of Kinetics-400 once was.
                try writeWhole(tar.archive, to: options.archives + "/train/part_\(place).tar.gz")
            }
            let report = try extract(options)
            #expect(report.archives.count { $0.reason.contains("differ") } == 1)
            #expect(try extract(options).count(.skipped) == 2)
            found.append(try readWhole(options.out + "/videos/train/a.mp4"))
        }
        #expect(found[0] == found[1], "which one stays depends on who was faster")
    }

    @Test func gnuTarAndSeveralGzipMembers() throws {
        let folder = NSTemporaryDirectory() + "acquisition-gnu-\(UInt32.random(in: 0...(.max)))"
        defer { try? removeTree(folder) }
        let options = ExtractOptions(out: folder)
        let name = String(repeating: "long", count: 40) + ".mp4"
        try makeDirectories(folder + "/source/mountain climber (exercise)")
        try makeDirectories(options.archives + "/train")
        try writeWhole(
            [UInt8](repeating: 5, count: 100_000), to: folder + "/source/mountain climber (exercise)/\(name)")
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
        tar.arguments = ["-C", folder + "/source", "-czf", options.archives + "/train/mountain climber.tar.gz", "."]
        try tar.run()
        tar.waitUntilExit()
        var other = TarWriter()
        other.add("b.mp4", [1, 2])
        let (head, tail) = (Array(other.archive.prefix(700)), Array(other.archive.dropFirst(700)))
        try writeWhole(gzip(head) + gzip(tail) + [0, 0, 0], to: options.archives + "/train/members.tgz")
        try writeWhole(gzip(head) + gzip(tail) + [7], to: options.archives + "/train/rubbish.tgz")
        let report = try extract(options)
        #expect(report.archives.map(\.status) == [.extracted, .extracted, .refused], "\(report.table)")
        #expect(try readWhole(folder + "/videos/train/" + name).count == 100_000)
        #expect(try readWhole(folder + "/videos/train/b.mp4") == [1, 2])
    }

    /// Tar programs write holes of their own accord where a file system has them; but a small archive does not fill a disk.
    @Test(arguments: [8, 80]) func holesAreTakenUnlessTheyAreFarMoreThanBytes(megabytes: Int) throws {
        let folder = NSTemporaryDirectory() + "acquisition-holes-\(UInt32.random(in: 0...(.max)))"
        defer { try? removeTree(folder) }
        let options = ExtractOptions(out: folder)
        try makeDirectories(folder + "/source")
        try makeDirectories(options.archives + "/train")
        try writeWhole([1, 2, 3], to: folder + "/source/holes.mp4")
        try #require(truncate(folder + "/source/holes.mp4", megabytes << 20) == 0)
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
        tar.arguments = ["-C", folder + "/source", "-Sczf", options.archives + "/train/holes.tgz", "."]
        try tar.run()
        tar.waitUntilExit()
        let archive = try #require(try extract(options).archives.first)
        let video = folder + "/videos/train/holes.mp4"
        if megabytes == 8 {
            #expect(archive.status == .extracted, "\(archive.reason)")
            #expect(try fileDigest(video) == fileDigest(folder + "/source/holes.mp4"))
        } else {
            #expect(archive.status == .refused && archive.reason.contains("holes.mp4"), "\(archive.reason)")
            #expect(!pathExists(video))
        }
    }

    @Test func spaceIsCheckedFirst() throws {
        let tree = try PublishedTree()
        var options = try downloaded(tree)
        options.freeBytes = { _ in 64 << 20 }
        let fault = #expect(throws: Fault.self) { try extract(options) }
        #expect(fault?.code == .stoppedEarly)
    }

    @Test(arguments: 1...10) func stoppedAndContinuedItGivesTheSame(seed: Int) throws {
        let tree = try PublishedTree()
        let options = try downloaded(tree)
        var stops = 0
        for moment in [seed % 7, (seed * 5) % 7, 8] {
            var options = options
            options.cancellation = Cancellation()
            options.jobs = 1 + seed % 2
            let cancellation = options.cancellation
            let before = options.out + "/videos"
            // What a process leaves that was killed in the middle of an archive.
            try makeDirectories(before + "/train/.staging-part_1.tar.gz")
            try writeWhole([1, 2, 3], to: before + "/train/.staging-part_1.tar.gz/half.mp4")
            // What others left is nothing of ours.
            try writeWhole([4], to: before + "/train/.directory")
            let archives = 7
            options.progress = { done, total, _ in if done * archives >= total * moment { cancellation.cancel() } }
            do { _ = try extract(options) } catch {
                #expect(error.code == .stoppedEarly)
                stops += 1
            }
        }
        #expect(stops >= 1, "seed \(seed)")
        var found = try videos(options)
        let others = found.removeValue(forKey: "train/.directory")
        #expect(others == [4] && found == tree.videos, "seed \(seed)")
    }
}
