import Clips
import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Video

@Suite struct PackTests {
    private func sound(_ seed: UInt64 = 1) throws -> [UInt8] { try makeVideo(frames: 12, seed: seed) }

    @Test func filesThatAreNoVideosAreNamedAndLeftOut() throws {
        try withTemporaryFolder { folder in
            let text = Array("this is a text and no video\n".utf8)
            try writeWhole(try sound(), to: folder + "/good.mp4")
            try writeWhole([], to: folder + "/empty.mp4")
            try writeWhole(text, to: folder + "/text.mp4")
            try writeWhole(Array(try sound().prefix(2000)), to: folder + "/cut.mp4")
            let names = ["good.mp4", "empty.mp4", "text.mp4", "cut.mp4", "missing.mp4"]
            try writeWhole(names.map { "\($0) 0\n" }.joined(), to: folder + "/list")
            let report = try pack(try ClipList(path: folder + "/list"), split: "train", into: folder + "/set")
            #expect(report.clips == 1)
            #expect(report.refused.map(\.name) == Array(names.dropFirst()))
            #expect(report.refused.map(\.line) == [2, 3, 4, 5])
            #expect(report.refused.allSatisfy { !$0.reason.isEmpty })
            #expect(report.refused[0].reason == "is empty")
            #expect(report.refused[3].reason == "is missing")
            #expect(try PackedSet(directory: folder + "/set", split: "train").records.map(\.name) == ["good.mp4"])
        }
    }

    @Test func aListWithNothingToUseIsAFault() throws {
        try withTemporaryFolder { folder in
            try writeWhole("missing.mp4 0\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let fault = #expect(throws: Fault.self) { try pack(list, split: "train", into: folder + "/set") }
            #expect(fault?.reason.contains("missing.mp4") == true)
            #expect(!pathExists(folder + "/set/train"))
        }
    }

    /// Where the originals lie in a folder called as the split.
    @Test func aFolderOfOthersIsNotReplaced() throws {
        try withTemporaryFolder { folder in
            try makeDirectories(folder + "/train/waving")
            try writeWhole(try sound(), to: folder + "/train/waving/a.mp4")
            try writeWhole("train/waving/a.mp4 0\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let fault = #expect(throws: Fault.self) { try pack(list, split: "train", into: folder) }
            #expect(fault?.code == .usage && fault?.thing == folder + "/train")
            #expect(try readWhole(folder + "/train/waving/a.mp4") == sound())
            #expect(try pack(list, split: "val", into: folder).clips == 1)
        }
    }

    @Test func oneVideoUnderSeveralRowsIsStoredOnce() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try sound(), to: folder + "/a.mp4")
            try writeWhole(try sound(), to: folder + "/copy of a.mp4")
            let rows = "org_video,label,start_frm\na.mp4,1,5\na.mp4,0,\ncopy of a.mp4,1,5\na.mp4,1,2\n"
            try writeWhole(rows, to: folder + "/list")
            let report = try pack(try ClipList(path: folder + "/list"), split: "train", into: folder + "/set")
            #expect(report.clips == 4)
            let set = try PackedSet(directory: folder + "/set", split: "train")
            #expect(set.records.map(\.label) == [0, 1, 1, 1])
            #expect(set.records.map(\.startFrame) == [nil, 2, 5, 5])
            #expect(set.records.map(\.ordinal) == [0, 0, 0, 1])
            #expect(report.bytes == (try sound()).count)
            // Listed starts are honoured: frame 5 is frame 5.
            var settings = try ClipSettings(frames: 1, resize: .exact(width: 48, height: 32), crop: 32, start: .listed)
            settings.flip = 0
            let loader = ClipLoader(set, settings, seed: 1)
            var clips: [Int: [Float]] = [:]
            for position in 0..<UInt64(4) {
                clips[loader.rank(at: position)] = try floats(settings.clipFloats) {
                    _ = try loader.load(position: position, into: $0)
                }
            }
            #expect(clips.count == 4)
            #expect(clips[0] != clips[1])
        }
    }

    @Test func severalShardsHoldTheSameSet() throws {
        try withTemporaryFolder { folder in
            var lines = ""
            for i in 0..<6 {
                try writeWhole(try sound(UInt64(i)), to: folder + "/\(i).mp4")
                lines += "\(i).mp4 \(i % 3)\n"
            }
            try writeWhole(lines, to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let one = try pack(list, split: "train", into: folder + "/one")
            var options = PackOptions()
            options.shardBytes = 2 * (try sound()).count + 100
            options.threads = 2
            let several = try pack(list, split: "train", into: folder + "/several", options: options)
            #expect(one.digest == several.digest)
            let set = try PackedSet(directory: folder + "/several", split: "train")
            #expect(try DataSetSummary(directory: folder + "/several").splits[0].shards > 1)
            for rank in 0..<6 {
                try set.withVideo(at: rank) { #expect(Digest(of: $0) == set.records[rank].digest) }
            }
        }
    }

    @Test func aSummaryTellsSizesRatesAndCodecs() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try motionVideo(.right, seed: 1, number: 0, frames: 9, size: 32), to: folder + "/a.mp4")
            try writeWhole(try makeVideo(frames: 12, seed: 1), to: folder + "/b.mp4")
            try writeWhole("a.mp4 0\nb.mp4 2\nb.mp4 2\n", to: folder + "/list")
            let packed = try pack(try ClipList(path: folder + "/list"), split: "val", into: folder + "/set")
            let split = try #require(try DataSetSummary(directory: folder + "/set", opening: 100).splits.first)
            #expect(split.name == "val" && split.clips == 3 && split.distinctVideos == 2 && split.frames == 33)
            #expect(split.clipsPerClass == [1, 0, 2] && split.frameCounts == 9...12)
            let sizes = try ["a", "b"].map { try fileSize("\(folder)/\($0).mp4") }.sorted()
            #expect(split.byteCounts == sizes[0]...sizes[1] && split.digest == "\(packed.digest)")
            #expect(split.opened == 3 && split.codecs == ["h264": 3] && split.rates[3000] != nil)
            #expect(split.rates.values.reduce(0, +) == 3)
            // Spread evenly: of two among three the first and the second.
            #expect(try DataSetSummary(directory: folder + "/set", opening: 2).splits[0].opened == 2)
            #expect(try DataSetSummary(directory: folder + "/set").splits[0].rates.isEmpty)
        }
    }

    @Test func labelsThatNoClassHasAreRefused() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try sound(), to: folder + "/a.mp4")
            try writeWhole("a.mp4 0\na.mp4 1\n", to: folder + "/train")
            try writeWhole("a.mp4 2\n", to: folder + "/val")
            _ = try pack(try ClipList(path: folder + "/train"), split: "train", into: folder + "/set")
            let val = try ClipList(path: folder + "/val")
            let fault = #expect(throws: Fault.self) { try pack(val, split: "val", into: folder + "/set") }
            #expect(fault?.thing == folder + "/val:1")
            #expect(fault?.reason.contains("label 2") == true)
            #expect(throws: Fault.self) { try pack(val, split: "vall", into: folder + "/set") }
            // Packing again replaces the split and leaves the description whole.
            _ = try pack(try ClipList(path: folder + "/train"), split: "val", into: folder + "/set")
            #expect(try DataSetSummary(directory: folder + "/set").splits.map(\.name) == ["train", "val"])
        }
    }

    /// Of two splits that were made ready in different ways each keeps its own words; one line says what holds for all.
    @Test func eachSplitSaysHowItWasMadeReady() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try sound(), to: folder + "/a.mp4")
            try writeWhole("a.mp4 0\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let set = folder + "/set"
            func described(_ split: String, _ profile: String) throws -> DataSetDescription {
                var options = PackOptions()
                options.profile = profile
                _ = try pack(list, split: split, into: set, options: options)
                return try DataSetDescription(directory: set)
            }
            func lines(_ description: DataSetDescription) -> [Substring] {
                description.text.split(separator: "\n").filter { $0.hasPrefix("profile") || $0.hasPrefix("[") }
            }
            let one = try described("train", "fast, 30")
            #expect(one.profile == "fast, 30" && lines(one) == [#"profile = "fast, 30""#, "[train]"])
            let two = try described("val", "fast, 30, skippable")
            #expect(two.splits.mapValues(\.profile) == ["train": "fast, 30", "val": "fast, 30, skippable"])
            #expect(
                lines(two) == [
                    "[train]", #"profile = "fast, 30""#, "[val]", #"profile = "fast, 30, skippable""#,
                ])
            let kept = try described("train", "")
            #expect(try DataSetSummary(directory: set).profile == "train: as they came; val: fast, 30, skippable")
            #expect(kept.splits["train"]?.profile == "")
            let same = try described("val", "")
            #expect(same.profile == "" && lines(same) == [#"profile = """#, "[train]", "[val]"])
        }
    }

    /// A packing that ends after it has looked at the videos leaves what it found to the next one, which makes the same
    /// set.
    @Test func aPackingGoesOnWhereItWasEnded() throws {
        try withTemporaryFolder { folder in
            for i in 0..<4 { try writeWhole(try sound(UInt64(i)), to: "\(folder)/\(i).mp4") }
            try writeWhole("0.mp4 0\n1.mp4 0\n2.mp4 1\n3.mp4 1\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let undisturbed = try pack(list, split: "train", into: folder + "/undisturbed")
            #expect(undisturbed.resumed == 0)
            let original = try sound(3)
            let other = try sound(9)
            var options = PackOptions()
            // The fourth changes once all are looked at, so that writing the shard fails.
            options.progress = { done, total in
                if done == total { try? writeWhole(other, to: folder + "/3.mp4") }
            }
            #expect(throws: Fault.self) { try pack(list, split: "train", into: folder + "/set", options: options) }
            #expect(pathExists(folder + "/set/train.examined") && !pathExists(folder + "/set/train"))
            try writeWhole(original, to: folder + "/3.mp4")
            let resumed = try pack(list, split: "train", into: folder + "/set")
            #expect(resumed.resumed == 3)
            #expect(resumed.digest == undisturbed.digest)
            for name in ["dataset.toml", "train/manifest", "train/shard-00000.mdb"] {
                #expect(
                    try fileDigest("\(folder)/set/\(name)") == fileDigest("\(folder)/undisturbed/\(name)"), "\(name)")
            }
            #expect(!pathExists(folder + "/set/train.examined"))
        }
    }

    @Test func allSplitsHaveTheSameClasses() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try sound(), to: folder + "/a.mp4")
            try writeWhole("a.mp4 0\na.mp4 1\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            var options = PackOptions()
            options.classes = ["x", "y"]
            _ = try pack(list, split: "train", into: folder + "/set", options: options)
            _ = try pack(list, split: "val", into: folder + "/set", options: options)
            options.classes = ["y", "x"]
            let fault = #expect(throws: Fault.self) {
                try pack(list, split: "val", into: folder + "/set", options: options)
            }
            #expect(fault?.reason.contains("class 0 is 'x' there and 'y' here") == true)
            options.classes = ["x", "y", "z"]
            #expect(throws: Fault.self) { try pack(list, split: "val", into: folder + "/set", options: options) }
        }
    }

    @Test func numbersOfClassesGetNamesAndNoneGoes() throws {
        try withTemporaryFolder { folder in
            try writeWhole(try sound(), to: folder + "/a.mp4")
            try writeWhole("a.mp4 0\na.mp4 1\n", to: folder + "/list")
            try writeWhole("a.mp4 0\n", to: folder + "/first")
            let (list, first) = (try ClipList(path: folder + "/list"), try ClipList(path: folder + "/first"))
            _ = try pack(list, split: "train", into: folder + "/set")
            var options = PackOptions()
            options.classes = ["x"]
            let fault = #expect(throws: Fault.self) {
                try pack(first, split: "val", into: folder + "/set", options: options)
            }
            #expect(fault?.reason.contains("class 1 is '1' there and missing here") == true, "\(fault as Any)")
            options.classes = ["x", "y"]
            _ = try pack(first, split: "val", into: folder + "/set", options: options)
            #expect(try DataSetSummary(directory: folder + "/set").splits.map(\.clips) == [2, 1])
        }
    }

    @Test func whatIsNoSetOfOursIsAFaultThatNamesIt() throws {
        try withTemporaryFolder { folder in
            let set = folder + "/set"
            _ = try packedSet(folder, [("a.mp4", try sound(), 0)])
            let fresh = try ["dataset.toml", "train/manifest", "train/shard-00000.mdb"].map {
                ($0, try readWhole(set + "/" + $0))
            }
            func refused(_ what: String) {
                let fault = #expect(throws: Fault.self, "\(what)") { try PackedSet(directory: set, split: "train") }
                #expect(fault?.thing.hasPrefix(folder) == true, "\(what): \(fault?.description ?? "")")
            }
            #expect(throws: Fault.self) { try PackedSet(directory: folder, split: "train") }
            #expect(throws: Fault.self) { try PackedSet(directory: set, split: "val") }
            for (name, bytes) in fresh {
                for trial in 0..<60 {
                    let draws = Draws(seed: 5, place: UInt64(trial), purpose: .simulation)
                    var damaged = bytes
                    damaged[draws.integer(0, below: bytes.count)] ^= UInt8(1 + draws.integer(1, below: 255))
                    if name == "dataset.toml", damaged.filter({ $0 == 0x23 }).count != 1 { continue }
                    try writeWhole(damaged, to: set + "/" + name)
                    // A flipped byte in a comment or in a class's name changes nothing that matters.
                    if name == "dataset.toml" {
                        _ = try? PackedSet(directory: set, split: "train")
                    } else {
                        refused("\(name), trial \(trial)")
                    }
                }
                try writeWhole(Array(bytes.prefix(bytes.count / 2)), to: set + "/" + name)
                refused("\(name) cut in half")
                try removeTree(set + "/" + name)
                refused("\(name) missing")
                try writeWhole(bytes, to: set + "/" + name)
            }
            #expect(try PackedSet(directory: set, split: "train").count == 1)
        }
    }

    /// Bytes that change under an open set are an error of the disk, and never a substitute.
    @Test func aWrongDigestIsThrown() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, [("a.mp4", try sound(1), 0), ("b.mp4", try sound(2), 0)]).set
            let settings = try ClipSettings(frames: 2, resize: .shortEdge([32]), crop: 32)
            let loader = ClipLoader(set, settings, seed: 1)
            _ = try floats(settings.clipFloats) { _ = try loader.load(position: 0, into: $0) }
            try overwrite(folder + "/set/train/shard-00000.mdb", find: Array("avcC".utf8), with: Array("avcX".utf8))
            let fault = #expect(throws: Fault.self) {
                _ = try floats(settings.clipFloats) { _ = try loader.load(position: 0, into: $0) }
            }
            #expect(fault?.reason.contains("wrong digest") == true)
        }
    }

    @Test(.enabled(if: RealClips.present, RealClips.missing))
    func aDamagedVideoIsToldAndReplacedByTheSameOneEverywhere() throws {
        try withTemporaryFolder { folder in
            let real = [("arm_wrestling.mp4", 0), ("flipping_pancake.mkv", 1), ("corrupted.mp4", 1)]
            let (set, report) = try packedSet(
                folder, try real.map { (name: $0.0, bytes: try RealClips.bytes($0.0), label: $0.1) })
            #expect(report.damaged.map(\.name) == ["corrupted.mp4"])
            #expect(report.refused.isEmpty)
            let settings = try ClipSettings(frames: 8, samplingRate: 2, resize: .exact(width: 40, height: 30), crop: 28)
            var runs: [[LoadedClip]] = []
            var clips: [[Float]] = []
            for run in 0..<2 {
                let loader = ClipLoader(set, settings, seed: 9)
                var loaded: [LoadedClip] = []
                for position in 0..<UInt64(30) {
                    clips.append(
                        try floats(settings.clipFloats) { loaded.append(try loader.load(position: position, into: $0)) }
                    )
                    if run == 1 { #expect(clips[Int(position)] == clips[30 + Int(position)]) }
                }
                runs.append(loaded)
            }
            #expect(runs[0] == runs[1])
            let substitutions = runs[0].compactMap(\.substitution)
            #expect(!substitutions.isEmpty)
            for substitution in substitutions {
                #expect(substitution.name == "corrupted.mp4")
                #expect(set.records[substitution.wantedRank].name == "corrupted.mp4")
                #expect(set.records[substitution.usedRank].name == "flipping_pancake.mkv", "its class has one other")
            }
        }
    }
}

/// Changes bytes of a file in place, as a failing disk would.
private func overwrite(_ path: String, find: [UInt8], with new: [UInt8]) throws {
    var bytes = try readWhole(path)
    var found = 0
    for i in 0..<bytes.count - find.count where bytes[i] == find[0] && Array(bytes[i..<i + find.count]) == find {
        bytes.replaceSubrange(i..<i + find.count, with: new)
        found += 1
    }
    #expect(found > 0)
    try overwriteInPlace(path, bytes)
}
