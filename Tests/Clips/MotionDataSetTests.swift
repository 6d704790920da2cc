import Clips
import Faults
import Storage
import TestSupport
import Testing

@Suite struct MotionDataSetTests {
    private func make(_ folder: String, seed: UInt64 = 7, threads: Int = 2) throws -> MotionDataSet {
        var motion = try MotionDataSet(classes: 4, clipsPerClass: 3, seconds: 0.5, size: 32, seed: seed)
        motion.threads = threads
        let reports = try motion.write(into: folder)
        #expect(reports.train.clips == 12)
        #expect(reports.val.clips == 4)
        #expect(reports.train.refused.isEmpty && reports.train.damaged.isEmpty)
        return motion
    }

    private func contents(_ folder: String) throws -> [String: Digest] {
        var digests: [String: Digest] = [:]
        for name in ["dataset.toml", "train.csv", "val.csv", "train/manifest", "val/manifest", "train/shard-00000.mdb"]
        {
            digests[name] = try fileDigest(folder + "/" + name)
        }
        for kind in ["left", "right", "up", "down"] {
            for name in try directoryNames("\(folder)/videos/\(kind)") {
                digests["\(kind)/\(name)"] = try fileDigest("\(folder)/videos/\(kind)/\(name)")
            }
        }
        return digests
    }

    @Test func theSameSeedGivesTheSameBytesWhateverTheThreads() throws {
        try withTemporaryFolder { folder in
            _ = try make(folder + "/a", threads: 1)
            _ = try make(folder + "/b", threads: 3)
            _ = try make(folder + "/c", seed: 8)
            let first = try contents(folder + "/a")
            #expect(first.count == 6 + 16)
            #expect(try contents(folder + "/b") == first)
            #expect(try contents(folder + "/c").allSatisfy { name, digest in digest != first[name] } == false)
            #expect(try contents(folder + "/c")["train/manifest"] != first["train/manifest"])
        }
    }

    @Test func theSetHoldsWhatWasMade() throws {
        try withTemporaryFolder { folder in
            _ = try make(folder)
            let summary = try DataSetSummary(directory: folder)
            #expect(summary.classes == ["left", "right", "up", "down"])
            #expect(summary.splits.map(\.name) == ["train", "val"])
            let train = try #require(summary.splits.first)
            #expect(train.clipsPerClass == [3, 3, 3, 3])
            #expect(train.distinctVideos == 12)
            #expect(train.frameCounts == 15...15)
            #expect(train.widths == 32...32 && train.heights == 32...32)
            #expect(train.sequential == 0)
        }
    }

    @Test func listsOfOthersAreNotReplaced() throws {
        try withTemporaryFolder { folder in
            try writeWhole("a.mp4 0\n", to: folder + "/train.csv")
            let motion = try MotionDataSet(classes: 2, clipsPerClass: 1, seconds: 0.2, size: 32, seed: 1)
            let fault = #expect(throws: Fault.self) { try motion.write(into: folder) }
            #expect(fault?.code == .usage && fault?.thing == folder)
            #expect(try directoryNames(folder) == ["train.csv"])
            // One that was ended is made again, and so is a whole one.
            try makeDirectories(folder + "/set/videos/left")
            for _ in 0..<2 { #expect(try motion.write(into: folder + "/set").train.clips == 2) }
        }
    }

    @Test(arguments: [0, 1, 3, 5, 7, 10]) func otherNumbersOfClassesAreRefused(classes: Int) {
        #expect(throws: Fault.self) {
            try MotionDataSet(classes: classes, clipsPerClass: 1, seconds: 1, size: 64, seed: 1)
        }
    }

    @Test func classesOfAPairAreEachOthersReverse() throws {
        let names = MotionClass.allCases.map(\.name)
        #expect(
            names == ["left", "right", "up", "down", "clockwise", "counter-clockwise", "towards", "away"])
    }
}
