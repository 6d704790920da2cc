import Clips
import Faults
import Glibc
import Storage
import Synchronization
import TestSupport
import Testing

/// Packings that are ended in the middle, and go on.
@Suite("Packing that goes on") struct PackResumeTests {
    /// Six videos of about the same size, two to a shard.
    private struct Videos {
        let folder: String
        let list: ClipList
        var options = PackOptions()

        init(_ folder: String) throws {
            self.folder = folder
            var largest = 0
            for i in 0..<6 {
                let bytes = try makeVideo(frames: 12, seed: UInt64(i))
                largest = max(largest, bytes.count)
                try writeWhole(bytes, to: "\(folder)/\(i).mp4")
            }
            try writeWhole((0..<6).map { "\($0).mp4 \($0 % 2)\n" }.joined(), to: folder + "/list")
            list = try ClipList(path: folder + "/list")
            options.shardBytes = 2 * largest + 1
        }

        /// The one that goes into the last shard.
        func last() throws -> String {
            let paths = (0..<6).map { "\(folder)/\($0).mp4" }
            return try #require(try paths.max { try fileDigest($0) < fileDigest($1) })
        }

        /// A packing that fails when it writes the last shard.
        func packEnded(into set: String) throws {
            let last = try last()
            let (original, other) = (try readWhole(last), try makeVideo(frames: 12, seed: 99))
            var ending = options
            ending.progress = { done, total in if done == total { try? writeWhole(other, to: last) } }
            let fault = #expect(throws: Fault.self) { try pack(list, split: "train", into: set, options: ending) }
            #expect(fault?.reason == "changed while it was packed")
            try writeWhole(original, to: last)
        }
    }

    private static let files = ["dataset.toml", "train/manifest"] + (0..<3).map { "train/shard-0000\($0).mdb" }

    private func expectSame(_ a: String, _ b: String) throws {
        for name in Self.files { #expect(try fileDigest(a + "/" + name) == fileDigest(b + "/" + name), "\(name)") }
        #expect(try directoryNames(a) == [".pack.lock", "dataset.toml", "train"])
        #expect(try directoryNames(a + "/train") == directoryNames(b + "/train"))
    }

    @Test func shardsThatAreWholeAreNotWrittenAgain() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            let whole = try pack(videos.list, split: "train", into: folder + "/whole", options: videos.options)
            #expect(whole.shards == 3 && whole.shardsKept == 0)
            let set = folder + "/set"
            try videos.packEnded(into: set)
            #expect(!pathExists(set + "/train") && !pathExists(set + "/dataset.toml"))
            let first = set + "/train.tmp/shard-00000.mdb"
            let before = try #require(try FileStamp(path: first))
            // What a process leaves that was killed: a shard half written, a file of another plan, half a text file.
            try writeWhole([1, 2, 3], to: set + "/train.tmp/shard-00002.mdb")
            try writeWhole([1, 2, 3], to: set + "/train.tmp/shard-00007.mdb")
            try writeWhole([1, 2, 3], to: Temporary.name(of: set + "/dataset.toml", number: 0))
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.shardsKept == 2 && report.resumed == 5 && report.digest == whole.digest)
            #expect(try FileStamp(path: set + "/train/shard-00000.mdb") == before)
            try expectSame(set, folder + "/whole")
        }
    }

    /// As where another version is copied over a file with its time, or the disk has lost some of it.
    @Test func whatChangedAndLooksTheSameIsExaminedAgain() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            let last = try videos.last()
            // x264's name for itself, which decides no pixel.
            let original = try readWhole(last)
            let place = try #require(
                (0..<original.count - 4).first { original[$0..<$0 + 4].elementsEqual("x264".utf8) })
            var changed = original
            changed[place] = UInt8(ascii: "y")
            var status = stat()
            guard stat(last, &status) == 0 else { throw InPlaceError(number: errno) }
            let (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            var ending = videos.options
            ending.progress = { [changed] done, total in
                guard done == total else { return }
                try? overwriteInPlace(last, changed)
                let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
                utimensat(AT_FDCWD, last, [time, time], 0)
            }
            let set = folder + "/set"
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: set, options: ending)
            }
            #expect(fault?.reason == "changed while it was packed")
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.clips == 6 && report.resumed == 5)
        }
    }

    @Test func whatCannotBeReadEndsAPackingThatIsToLackNothing() throws {
        try withTemporaryFolder { folder in
            var videos = try Videos(folder)
            videos.options.endsAtUnread = true
            let (set, video) = (folder + "/set", folder + "/3.mp4")
            let bytes = try readWhole(video)
            // Reading a folder fails, as a disk may.
            unlink(video)
            try makeDirectories(video + "/file")
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: set, options: videos.options)
            }
            #expect(fault?.code == .stoppedEarly && fault?.thing == "3.mp4", "\(fault as Any)")
            #expect(!pathExists(set + "/dataset.toml"))
            try removeTree(video)
            try writeWhole(bytes, to: video)
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.clips == 6 && report.resumed == 5 && report.refused.isEmpty)
        }
    }

    /// That a file cannot even be asked for is not that it is gone.
    @Test func whatTheSystemSaysNothingOfEndsAPackingThatIsToLackNothing() throws {
        try withTemporaryFolder { folder in
            var videos = try Videos(folder)
            let (set, video) = (folder + "/set", folder + "/3.mp4")
            let bytes = try readWhole(video)
            // Asking for it fails, as on a disk that is out of reach: it leads to a name that no file can have.
            unlink(video)
            #expect(symlink(String(repeating: "x", count: 300), video) == 0)
            let lacking = try pack(videos.list, split: "train", into: folder + "/lacking", options: videos.options)
            #expect(lacking.clips == 5 && lacking.refused.map(\.name) == ["3.mp4"])
            #expect(lacking.refused.first?.reason.contains("cannot ask what it is") == true, "\(lacking.refused)")
            videos.options.endsAtUnread = true
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: set, options: videos.options)
            }
            #expect(fault?.code == .stoppedEarly && fault?.thing == "3.mp4", "\(fault as Any)")
            #expect(!pathExists(set + "/dataset.toml"))
            unlink(video)
            try writeWhole(bytes, to: video)
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.clips == 6 && report.resumed == 5 && report.refused.isEmpty)
        }
    }

    /// A shard whose bytes are not those that were sealed is written anew, though its size and time are right.
    @Test func aShardThatTheDiskDamagedIsWrittenAnew() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            _ = try pack(videos.list, split: "train", into: folder + "/whole", options: videos.options)
            let set = folder + "/set"
            try videos.packEnded(into: set)
            let shard = set + "/train.tmp/shard-00001.mdb"
            var status = stat()
            #expect(stat(shard, &status) == 0)
            var bytes = try readWhole(shard)
            bytes[bytes.count / 2] ^= 1
            try overwriteInPlace(shard, bytes)
            #expect(utimensat(AT_FDCWD, shard, [status.st_atim, status.st_mtim], 0) == 0)
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.shardsKept == 1)
            try expectSame(set, folder + "/whole")
        }
    }

    /// Ended between the set's name and what is said of it, a packing takes the shards up from there.
    @Test func aSetThatNobodyDescribedYetIsTakenUp() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            _ = try pack(videos.list, split: "train", into: folder + "/whole", options: videos.options)
            let set = folder + "/set"
            try videos.packEnded(into: set)
            // The journal goes on under a second name, and so outlives the packing.
            #expect(link(set + "/train.sealed", folder + "/journal") == 0)
            _ = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(rename(folder + "/journal", set + "/train.sealed") == 0)
            try removeTree(set + "/dataset.toml")
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(report.shardsKept == 3)
            try expectSame(set, folder + "/whole")
        }
    }

    @Test func twoPackingsAtOnceAreRefused() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            try makeDirectories(folder + "/set")
            let lock = try LockFile(folder + "/set/.pack.lock", holder: "a test")
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: folder + "/set", options: videos.options)
            }
            #expect(fault?.reason.contains("a test") == true)
            withExtendedLifetime(lock) {}
        }
    }

    /// Counts the videos that are written anew, and makes each another one.
    private final class Writer: Sendable {
        let calls = Mutex<[String]>([])
        /// How many are written before somebody stops it.
        let patience: Int

        init(patience: Int = .max) { self.patience = patience }

        func transcoding(_ name: String = "small") -> Transcoding {
            Transcoding(name: name) { [self] source, target throws(Fault) in
                let count = calls.withLock { calls in
                    calls.append(source)
                    return calls.count
                }
                guard count <= patience else { throw Fault(.stoppedEarly, source, "was stopped") }
                guard !source.hasSuffix("4.mp4") else { throw Fault(.data, source, "is of no use") }
                let number = UInt64(try fileDigest(source).bytes[0])
                try writeWhole(try motionVideo(.left, seed: 7, number: number, frames: 8, size: 32), to: target)
            }
        }
    }

    @Test func videosAreWrittenAnewOnceAndNoMore() throws {
        try withTemporaryFolder { folder in
            var videos = try Videos(folder)
            videos.options.shardBytes = 1 << 20
            let quiet = Writer()
            videos.options.transcoding = quiet.transcoding()
            let whole = try pack(videos.list, split: "train", into: folder + "/whole", options: videos.options)
            #expect(quiet.calls.withLock(\.count) == 6 && whole.clips == 5)
            #expect(whole.refused.map(\.name) == ["4.mp4"] && whole.refused[0].reason == "is of no use")
            let records = try PackedSet(directory: folder + "/whole", split: "train").records
            #expect(records.allSatisfy { $0.width == 32 && $0.frameCount == 8 })
            #expect(Set(records.map(\.name)) == ["0.mp4", "1.mp4", "2.mp4", "3.mp4", "5.mp4"])

            let set = folder + "/set"
            videos.options.transcoding = Writer(patience: 3).transcoding()
            let stop = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: set, options: videos.options)
            }
            #expect(stop?.code == .stoppedEarly && !pathExists(set + "/train"))
            // What a child left that was killed; and one of those that were written is gone.
            try writeWhole([1], to: set + "/train.videos/new-1-0.mp4")
            let kept = try directoryNames(set + "/train.videos").filter { !$0.hasPrefix("new-") }
            #expect(kept.count == 3)
            try removeTree(set + "/train.videos/" + kept[0])
            let second = Writer()
            videos.options.transcoding = second.transcoding()
            let report = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(second.calls.withLock(\.count) == 4 && report.resumed == 2)
            for name in ["dataset.toml", "train/manifest", "train/shard-00000.mdb"] {
                #expect(try fileDigest(set + "/" + name) == fileDigest(folder + "/whole/" + name), "\(name)")
            }
            #expect(try directoryNames(set) == [".pack.lock", "dataset.toml", "train"])
        }
    }

    /// What was written in one profile is of no use to another.
    @Test func anotherProfileBeginsAnew() throws {
        try withTemporaryFolder { folder in
            var videos = try Videos(folder)
            videos.options.transcoding = Writer(patience: 3).transcoding("one")
            #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: folder + "/set", options: videos.options)
            }
            let second = Writer()
            videos.options.transcoding = second.transcoding("two")
            let report = try pack(videos.list, split: "train", into: folder + "/set", options: videos.options)
            #expect(second.calls.withLock(\.count) == 6 && report.resumed == 0)
        }
    }

    /// Their numbers count frames of the original.
    @Test func startFramesOfVideosThatAreWrittenAnewAreRefused() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try makeVideo(frames: 12, seed: 1), to: folder + "/a.mp4")
            try writeWhole("org_video,label,start_frm\na.mp4,0,0\na.mp4,0,5\n", to: folder + "/list")
            var options = PackOptions()
            options.transcoding = Writer().transcoding()
            let fault = #expect(throws: Fault.self) {
                try pack(ClipList(path: folder + "/list"), split: "train", into: folder + "/set", options: options)
            }
            #expect(fault?.thing == folder + "/list:3" && fault?.reason.contains("frame 5") == true)
        }
    }

    /// What children say of videos is kept; what they were refused time for is asked again.
    @Test func videosAreExaminedElsewhere() throws {
        try withTemporaryFolder { folder in
            var videos = try Videos(folder)
            videos.options.shardBytes = 1 << 20
            try writeWhole(Array("no video".utf8), to: folder + "/2.mp4")
            let here = try pack(videos.list, split: "train", into: folder + "/here", options: videos.options)
            let asked = Mutex<[String]>([])
            let isHasty = Mutex(true)
            videos.options.examine = { path throws(Fault) in
                asked.withLock { $0.append(path) }
                if path.hasSuffix("1.mp4"), isHasty.withLock(\.self) {
                    throw Fault(.data, path, "took longer than 1 s")
                }
                if path.hasSuffix("5.mp4"), isHasty.withLock(\.self) { throw Fault(.internal, path, "does not start") }
                return examineForPacking(path)
            }
            let set = folder + "/set"
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: set, options: videos.options)
            }
            #expect(fault?.reason == "does not start" && asked.withLock(\.count) == 6)
            isHasty.withLock { $0 = false }
            asked.withLock { $0 = [] }
            let elsewhere = try pack(videos.list, split: "train", into: set, options: videos.options)
            #expect(asked.withLock { $0.map { $0.suffix(5) } } == ["1.mp4", "5.mp4"] && elsewhere.resumed == 4)
            #expect(elsewhere.refused == here.refused && elsewhere.digest == here.digest && here.refused.count == 1)
        }
    }
}
