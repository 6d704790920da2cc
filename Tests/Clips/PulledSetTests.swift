import Clips
import Faults
import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

/// Packed sets whose files come from elsewhere.
@Suite struct PulledSetTests {
    /// A set of several shards, and a machine that pulls from it: each file that was asked for is counted.
    private final class Elsewhere: Sendable {
        let set: PackedSet
        let folder: String
        private let asked = Mutex<[String: Int]>([:])
        private let said = Mutex<[String]>([])

        init(_ folder: String) throws {
            self.folder = folder
            var lines = ""
            for i in 0..<6 {
                try writeWhole(try makeVideo(frames: 6, seed: UInt64(i)), to: folder + "/\(i).mp4")
                lines += "\(i).mp4 \(i % 2)\n"
            }
            try writeWhole(lines, to: folder + "/list")
            var options = PackOptions()
            options.shardBytes = 1
            _ = try pack(try ClipList(path: folder + "/list"), split: "train", into: folder + "/set", options: options)
            set = try PackedSet(directory: folder + "/set", split: "train")
        }

        var asks: [String: Int] { asked.withLock { $0 } }
        var notes: [String] { said.withLock { $0 } }

        /// - Parameter limit: Of the cache, in bytes.
        func pulling(limit: Int = 1 << 30) -> ShardPulling {
            ShardPulling(
                cache: { [self] () throws(Fault) in
                    try FileCache(folder: folder + "/cache", limit: limit) { [self] note in
                        said.withLock { $0.append(note) }
                    }
                },
                fetch: { [self] file throws(Fault) in
                    asked.withLock { $0[file.expected.name, default: 0] += 1 }
                    guard let path = set.path(of: file.expected.digest) else {
                        throw Fault(.data, file.expected.name, "is nowhere")
                    }
                    try file.put(try readWhole(path), at: 0)
                    guard try file.check() else { throw Fault(.data, file.expected.name, "is wrong everywhere") }
                }, note: { [self] note in said.withLock { $0.append(note) } })
        }

        /// - Parameter folder: What the machine has of the set.
        func pulled(limit: Int = 1 << 30, folder: String? = nil) throws -> PackedSet {
            try PackedSet(
                pulling: pulling(limit: limit), description: set.description,
                manifestBytes: set.files[0].byteCount, split: "train", folder: folder)
        }

        /// Every video is the one that the manifest names.
        func expectWhole(_ pulled: PackedSet) throws {
            #expect(pulled.digest == set.digest)
            #expect(pulled.records == set.records)
            for rank in 0..<pulled.count {
                try pulled.withVideo(at: rank) { #expect(Digest(of: $0) == set.records[rank].digest) }
            }
        }
    }

    private func flipBit(in path: String, at place: Int) throws {
        var bytes = try readWhole(path)
        bytes[place] ^= 1
        try overwriteInPlace(path, bytes)
    }

    /// Where the video of that rank begins in its shard.
    private func place(of rank: Int, in set: PackedSet, shard path: String) throws -> Int {
        let video = try set.withVideo(at: rank) { Data($0) }
        let range = Data(try readWhole(path)).range(of: video.prefix(200))
        return try #require(range).lowerBound + 100
    }

    @Test func aMachineWithoutTheSetPullsEachFileOnce() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let pulled = try elsewhere.pulled()
            // Nothing but the manifest before it is needed.
            #expect(elsewhere.asks == ["train/manifest": 1])
            try elsewhere.expectWhole(pulled)
            try elsewhere.expectWhole(pulled)
            #expect(elsewhere.asks.count == 7)
            #expect(elsewhere.asks.values.allSatisfy { $0 == 1 })
            // What it has pulled it can give to others.
            for file in elsewhere.set.files {
                let path = try #require(pulled.path(of: file.digest))
                #expect(try fileDigest(path) == file.digest)
            }
            #expect(pulled.path(of: Digest(of: [1])) == nil)
        }
    }

    @Test func aCacheOfTwoShardsServesTheWholeSetAndStaysBounded() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let largest = try #require(elsewhere.set.files.dropFirst().map(\.byteCount).max())
            let limit = 2 * largest
            let pulled = try elsewhere.pulled(limit: limit)
            for _ in 0..<2 {
                try elsewhere.expectWhole(pulled)
                let held = try directoryNames(folder + "/cache").map { try fileSize(folder + "/cache/" + $0) }
                #expect(held.reduce(0, +) <= limit)
            }
            #expect(elsewhere.asks.filter { $0.key != "train/manifest" }.values.allSatisfy { $0 == 2 })
        }
    }

    @Test func aCacheTooSmallForAShardIsRefusedAtOnce() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let smallest = try #require(elsewhere.set.files.dropFirst().map(\.byteCount).min())
            let fault = #expect(throws: Fault.self) { try elsewhere.pulled(limit: smallest - 1) }
            #expect(fault?.code == .usage)
            #expect(fault?.reason.contains("cannot hold train/shard-") == true, "\(String(describing: fault))")
        }
    }

    @Test func aFolderThatLacksShardsOrHasRottenOnesIsMended() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let copy = folder + "/copy"
            try FileManager.default.copyItem(atPath: folder + "/set", toPath: copy)
            try FileManager.default.removeItem(atPath: copy + "/train/shard-00001.mdb")
            // Rotten when it is opened, which shows in the shard's digest.
            try flipBit(in: copy + "/train/shard-00002.mdb", at: 5000)
            let pulled = try elsewhere.pulled(folder: copy)
            try elsewhere.expectWhole(pulled)
            #expect(elsewhere.asks == ["train/shard-00001.mdb": 1, "train/shard-00002.mdb": 1])
            #expect(elsewhere.notes.contains { $0.contains("lacks 1 of 6 shards") })
            #expect(elsewhere.notes.count { $0.contains("shard-00002.mdb: has a wrong digest") } == 1)

            // Rotten while it is open, which shows in the record's digest.
            let rank = try #require(elsewhere.set.records.firstIndex { $0.shard == 3 })
            let shard = copy + "/train/shard-00003.mdb"
            try flipBit(in: shard, at: try place(of: rank, in: elsewhere.set, shard: shard))
            try elsewhere.expectWhole(pulled)
            try elsewhere.expectWhole(pulled)
            #expect(elsewhere.asks["train/shard-00003.mdb"] == 1)
            #expect(elsewhere.notes.count { $0.contains("shard-00003.mdb") && $0.contains("left alone") } == 1)
            // A copy that is known to be rotten is not given to others: the pulled one is.
            let file = elsewhere.set.files[4]
            #expect(file.name == "train/shard-00003.mdb")
            let path = try #require(pulled.path(of: file.digest))
            #expect(try fileDigest(path) == file.digest)
        }
    }

    @Test func aRottenManifestIsMended() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let copy = folder + "/copy"
            try FileManager.default.copyItem(atPath: folder + "/set", toPath: copy)
            try flipBit(in: copy + "/train/manifest", at: 40)
            try elsewhere.expectWhole(try elsewhere.pulled(folder: copy))
            #expect(elsewhere.asks == ["train/manifest": 1])
        }
    }

    @Test func aCachedShardThatRotsWhileItIsUsedIsPulledAgain() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let pulled = try elsewhere.pulled()
            try elsewhere.expectWhole(pulled)
            let file = elsewhere.set.files[1]
            let rank = try #require(elsewhere.set.records.firstIndex { $0.shard == 0 })
            let path = try #require(pulled.path(of: file.digest))
            try flipBit(in: path, at: try place(of: rank, in: elsewhere.set, shard: path))
            try elsewhere.expectWhole(pulled)
            #expect(elsewhere.asks[file.name] == 2)
            #expect(elsewhere.notes.count { $0.contains("dropped from the cache and pulled again") } == 1)
            #expect(try fileDigest(path) == file.digest)
        }
    }

    @Test func aRecordThatIsRottenEverywhereIsAFaultAndNoEndlessPulling() throws {
        try withTemporaryFolder { folder in
            let elsewhere = try Elsewhere(folder)
            let rank = try #require(elsewhere.set.records.firstIndex { $0.shard == 0 })
            let shard = folder + "/set/train/shard-00000.mdb"
            try flipBit(in: shard, at: try place(of: rank, in: elsewhere.set, shard: shard))
            let pulled = try elsewhere.pulled()
            let fault = #expect(throws: Fault.self) { try pulled.withVideo(at: rank) { _ in } }
            #expect(fault?.reason == "is wrong everywhere")
            #expect(elsewhere.asks["train/shard-00000.mdb"] == 1)
        }
    }
}

extension PartialFile {
    /// `withUnsafeBytes` says of no kind of error what it is.
    fileprivate func put(_ bytes: [UInt8], at offset: Int) throws(Fault) {
        let result: Result<Void, Fault> = bytes.withUnsafeBytes { raw in
            do throws(Fault) { return .success(try write(raw, at: offset)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
