import Clips
import Curation
import Faults
import Foundation
import Randomness
import Storage
import TestSupport
import Testing
import Wire

@Suite struct ExchangeTests {
    /// A packed set of `count` small videos of three classes; names, start frames and numbers as VMZ's lists have them.
    private func packed(_ folder: String, _ count: Int = 13) throws -> PackedSet {
        var list = "org_video,label,start_frm,video_id\n"
        for i in 0..<count {
            try writeWhole(try smallVideo(frames: 17, seed: UInt64(i + 1)), to: "\(folder)/\(i).mp4")
            list += "\(i).mp4,\(i % 3),\(i),\(100 + i)\n"
        }
        try writeWhole(list, to: folder + "/list.csv")
        var options = PackOptions()
        options.classes = ["x", "y y", "z/w"]
        _ = try pack(try ClipList(path: folder + "/list.csv"), split: "train", into: folder + "/set", options: options)
        return try PackedSet(directory: folder + "/set", split: "train")
    }

    private func packedAgain(_ folder: String, _ list: String) throws -> PackedSet {
        _ = try pack(try ClipList(path: list), split: "train", into: folder + "/again")
        return try PackedSet(directory: folder + "/again", split: "train")
    }

    /// Out and in again is the same set, byte for byte, whatever the container; a second time out gives the same files.
    @Test(arguments: ExportFormat.allCases) func whatIsGivenOutComesBack(format: ExportFormat) throws {
        try withTemporaryFolder { folder in
            let set = try packed(folder)
            var exporting = Exporting(format: format)
            exporting.startFrames = true
            exporting.videoIDs = true
            exporting.shardBytes = 40_000
            try exporting.write(set, to: folder + "/out")
            try exporting.write(set, to: folder + "/out2")
            let names = try directoryNames(folder + "/out").filter { $0.contains(".") }
            #expect(try directoryNames(folder + "/out2").filter { $0.contains(".") } == names)
            for name in names {
                #expect(try fileDigest("\(folder)/out/\(name)") == fileDigest("\(folder)/out2/\(name)"), "\(name)")
            }
            var list = folder + "/out/list.csv"
            if format != .files {
                #expect(format == .vmz || names.count > 1, "several tar files")
                var unpacking = try Unpacking(into: folder + "/in")
                if format == .vmz { try unpacking.takeVMZ(folder + "/out") }
                if format == .webdataset {
                    for name in names { try unpacking.takeTar(folder + "/out/" + name) }
                    #expect(try unpacking.finish().list == folder + "/in/list.csv")
                    #expect(try ClassList(path: folder + "/in/classes.txt").names == set.classes)
                }
                let report = try unpacking.finish()
                #expect(report.videos == 13 && report.problems.isEmpty && report.resumed == 0)
                list = report.list
            }
            let again = try packedAgain(folder, list)
            #expect(again.digest == set.digest)
            #expect(again.records.map(\.videoID) == set.records.map(\.videoID))
        }
    }

    /// Keys begin anew in each database, and files must not.
    @Test func twoDatabasesDoNotOverwriteEachOther() throws {
        try withTemporaryFolder { folder in
            let set = try packed(folder, 4)
            try Exporting(format: .vmz).write(set, to: folder + "/a")
            try makeDirectories(folder + "/other")
            // Of one video more, so that no key has the same.
            let other = try packed(folder + "/other", 5)
            try Exporting(format: .vmz).write(other, to: folder + "/b")
            var unpacking = try Unpacking(into: folder + "/in")
            for name in ["a", "b"] { try unpacking.takeVMZ(folder + "/" + name) }
            let entries = try ClipList(path: try unpacking.finish().list).entries
            let wanted = (set.records + other.records).map { "\($0.digest) \($0.label)" }
            #expect(try entries.map { "\(try fileDigest($0.path)) \($0.label)" }.sorted() == wanted.sorted())
            #expect(Set(entries.map(\.path)).count == 9)
        }
    }

    /// An export replaces an earlier one, and nothing else.
    @Test(arguments: ExportFormat.allCases) func whatIsNoExportIsNotReplaced(format: ExportFormat) throws {
        try withTemporaryFolder { folder in
            let set = try packed(folder, 3)
            let exporting = Exporting(format: format)
            try exporting.write(set, to: folder + "/out")
            try exporting.write(set, to: folder + "/out")
            // The second as videos lie in folders of classes.
            for (parent, name) in [(folder + "/out", "mine.txt"), (folder + "/out/waving", "mine.mp4")] {
                try makeDirectories(parent)
                let mine = parent + "/" + name
                try writeWhole([1], to: mine)
                let fault = #expect(throws: Fault.self) { try exporting.write(set, to: folder + "/out") }
                #expect(fault?.code == .usage && fault?.mend.contains("another --out") == true)
                #expect(try readWhole(mine) == [1])
                try removeTree(mine)
            }
            try makeDirectories(folder + "/empty")
            try exporting.write(set, to: folder + "/empty")
        }
    }

    @Test func unpackingGoesOnWhereItWasEnded() throws {
        try withTemporaryFolder { folder in
            try Exporting(format: .vmz).write(try packed(folder, 4), to: folder + "/out")
            func unpack() throws -> UnpackReport {
                var unpacking = try Unpacking(into: folder + "/in")
                try unpacking.takeVMZ(folder + "/out/data.mdb")
                return try unpacking.finish()
            }
            #expect(try unpack().resumed == 0)
            let video = folder + "/in/videos/000000000/000000002.mp4"
            let whole = try readWhole(video)
            try writeWhole(Array(whole.dropLast()), to: video)
            #expect(try unpack().resumed == 3)
            #expect(try readWhole(video) == whole)
        }
    }

    /// The record of the format's description, byte for byte.
    @Test func recordsOfVMZ() throws {
        let record = VMZRecord(video: .path("a.mp4"), label: 5)
        let bytes: [UInt8] = [
            0x0A, 0x09, 0x10, 0x04, 0x32, 0x05, 0x61, 0x2E, 0x6D, 0x70, 0x34, 0x0A, 0x05, 0x10, 0x02, 0x22, 0x01, 0x05,
        ]
        #expect(Caffe2Tensors.encode(record.tensors) == bytes)
        for record in [
            record, VMZRecord(video: .path("b c.mp4"), label: 0, startFrame: 30),
            VMZRecord(video: .bytes(try smallVideo(frames: 2)), label: 1, videoID: 1 << 40),
            VMZRecord(video: .bytes([0, 1, 2]), label: 399, startFrame: 7, videoID: -3),
        ] {
            let tensors = try Caffe2Tensors.encode(record.tensors).withUnsafeBytes { try Caffe2Tensors.decode($0) }
            #expect(try VMZRecord(tensors: tensors, place: "r") == record)
        }
    }

    @Test func recordsThatAreNotOfVMZ() throws {
        let tensors = VMZRecord(video: .path("a.mp4"), label: 5).tensors
        var several = tensors
        several[1].integers = [1, 2]
        var unlabelled = tensors
        unlabelled[1].integers = []
        var negative = tensors
        negative[1].integers = [-1]
        for wrong in [
            [], [tensors[0]], several, unlabelled, negative, [tensors[1], tensors[1]], tensors + tensors + tensors,
        ] {
            let fault = #expect(throws: Fault.self) { try VMZRecord(tensors: wrong, place: "record '7'") }
            #expect(fault?.thing == "record '7'")
        }
    }

    @Test func samplesOfTarFiles() throws {
        try withTemporaryFolder { folder in
            let video = try smallVideo()
            func tar(_ members: [(String, [UInt8])]) throws -> String {
                var writer = try TarWriter(folder + "/a.tar")
                for (name, content) in members { try content.withUnsafeBytes { try writer.append(name, $0) } }
                try writer.finish()
                return folder + "/a.tar"
            }
            let path = try tar([
                ("n/a.mp4", video), ("n/a.cls", Array("1\n".utf8)), ("b.json", Array("{\"label\": 0}".utf8)),
                ("b.mp4", video),
                ("c.mp4", video), ("d.cls", Array("1".utf8)), ("e.mp4", video), ("e.cls", Array("y".utf8)),
            ])
            var unpacking = try Unpacking(into: folder + "/in")
            try unpacking.takeTar(path)
            let report = try unpacking.finish()
            #expect(report.videos == 2)
            #expect(
                report.problems.map(\.reason) == [
                    "sample 'c' has no label", "sample 'd' has no video",
                    "sample 'e' has the label 'y', which is no number and no class",
                ])
            #expect(try ClipList(path: report.list).entries.map(\.label) == [1, 0])
            var named = try Unpacking(into: folder + "/named")
            try named.takeTar(path, names: try ClassList(names: ["x", "y"], origin: "t"))
            #expect(try named.finish().videos == 3)
            let twice = try tar([
                ("a.mp4", video), ("a.cls", Array("1".utf8)), ("a.mkv", video), ("a.cls", Array("0".utf8)),
            ])
            var last = try Unpacking(into: folder + "/last")
            try last.takeTar(twice)
            let found = try last.finish()
            #expect(found.videos == 1)
            #expect(found.problems.map(\.reason) == ["1 of the videos of sample 'a': the last one is taken"])
        }
    }

    /// Writes without waiting for the disk.
    private func quickly(_ bytes: [UInt8], _ path: String) {
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }

    /// A tar file is read whole or is a fault: cut anywhere, with any byte changed.
    @Test func damagedTarFiles() throws {
        try withTemporaryFolder { folder in
            var writer = try TarWriter(folder + "/a.tar")
            let content = [UInt8](repeating: 7, count: 1000)
            try content.withUnsafeBytes { try writer.append("a.mp4", $0) }
            try [UInt8](repeating: 8, count: 3).withUnsafeBytes { try writer.append("a.cls", $0) }
            try writer.finish()
            let whole = try readWhole(folder + "/a.tar")
            #expect(whole.count == 10240)
            for length in stride(from: 0, to: 512 + 1024 + 1024, by: 64) {
                quickly(Array(whole.prefix(length)), folder + "/cut.tar")
                #expect(throws: Fault.self, "cut to \(length)") { try TarFile(folder + "/cut.tar").visit { _, _ in } }
            }
            // Every byte of a header counts into its sum; of the eight of the sum the last says nothing.
            for at in 0..<345 where at != 155 {
                var damaged = whole
                damaged[at] ^= 0x55
                quickly(damaged, folder + "/bad.tar")
                #expect(throws: Fault.self, "byte \(at)") { try TarFile(folder + "/bad.tar").visit { _, _ in } }
            }
        }
    }

    /// A small file does not fill a disk: forty small values made to stand on the pages of a large one.
    @Test func pagesOfOneValueAreNotGivenForOthers() throws {
        try withTemporaryFolder { folder in
            let environment = try LMDBEnvironment(creating: folder + "/data.mdb", capacity: 64 << 20)
            let names = (10..<50).map { "k\($0)" }
            try environment.write { transaction in
                for name in names {
                    try Array("VALUE-\(name.dropFirst())".utf8).withUnsafeBytes {
                        try transaction.append(key: Array(name.utf8), value: $0)
                    }
                }
                try [UInt8](repeating: 1, count: 200_000).withUnsafeBytes {
                    try transaction.append(key: Array("kBIG".utf8), value: $0)
                }
            }
            try environment.synchronize()
            var bytes = try readWhole(folder + "/data.mdb")
            func place(_ text: String) throws -> Int {
                let text = Array(text.utf8)
                return try #require((0..<1 << 16).first { bytes[$0..<$0 + text.count].elementsEqual(text) })
            }
            // A node: 4 bytes of size, 2 of flags, 2 of the key's length, the key, and the value or its page.
            let big = try place("kBIG")
            for name in names {
                let node = try place(name + "VALUE-") - 8
                bytes.replaceSubrange(node..<node + 6, with: Array(bytes[big - 8..<big - 2]))
                bytes.replaceSubrange(node + 11..<node + 19, with: Array(bytes[big + 4..<big + 12]))
            }
            quickly(bytes, folder + "/twice.mdb")
            var given = 0
            do {
                try LMDBFile(folder + "/twice.mdb").visit { _, value in given += value.count }
                Issue.record("\(given) bytes of a file of \(bytes.count)")
            } catch { #expect((error as? Fault)?.reason.contains("more pages than it has") == true, "\(error)") }
        }
    }

    /// Our own reader of LMDB finds what LMDB wrote, in its order, however deep the tree; damage is a fault and never a crash.
    @Test func lmdbFilesAreReadWithoutLMDB() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/data.mdb"
            let environment = try LMDBEnvironment(creating: path, capacity: 64 << 20)
            let keys = (0..<3000).map { Array(String($0).utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
            func value(_ i: Int) -> [UInt8] {
                [UInt8](repeating: UInt8(i % 251), count: i % 17 == 0 ? 9000 + i : i % 300)
            }
            try environment.write { transaction in
                for (i, key) in keys.enumerated() {
                    try value(i).withUnsafeBytes { try transaction.append(key: key, value: $0) }
                }
            }
            try environment.synchronize()
            let file = try LMDBFile(folder)
            #expect(file.count == 3000)
            var next = 0
            try file.visit { key, found in
                #expect(key == keys[next] && found == value(next), "record \(next)")
                next += 1
            }
            #expect(next == 3000)
            let whole = try readWhole(path)
            // Whole pages of the tree are damaged and not only values, of which there is far more.
            for trial in 0..<150 {
                let draws = Draws(seed: 31, place: UInt64(trial), purpose: .simulation)
                var bytes = whole
                for k in 0..<1 + trial % 8 {
                    let page = draws.integer(3 * k, below: whole.count / 4096)
                    bytes[4096 * page + draws.integer(3 * k + 1, below: 200)] = UInt8(
                        draws.integer(3 * k + 2, below: 256))
                }
                quickly(bytes, folder + "/bad.mdb")
                var records = 0
                do { try LMDBFile(folder + "/bad.mdb").visit { _, _ in records += 1 } } catch {
                    #expect(error is Fault, "seed 31, trial \(trial)")
                }
                #expect(records <= 20_000, "seed 31, trial \(trial)")
            }
            for length in [0, 100, 4096, 8191, 20_000, whole.count / 2] {
                quickly(Array(whole.prefix(length)), folder + "/cut.mdb")
                #expect(throws: Fault.self, "cut to \(length)") { try LMDBFile(folder + "/cut.mdb").visit { _, _ in } }
            }
        }
    }
}
