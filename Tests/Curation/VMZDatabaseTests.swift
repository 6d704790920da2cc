import Clips
import Curation
import Faults
import Storage
import TestSupport
import Testing
import Wire

@Suite struct VMZDatabaseTests {
    private func written(_ database: VMZDatabase, _ list: ClipList, _ path: String) throws -> [(
        key: String, record: VMZRecord
    )] {
        try database.write(list, to: path)
        var records: [(String, VMZRecord)] = []
        try LMDBFile(path).visit { key, value in
            let tensors = try value.withUnsafeBytes { try Caffe2Tensors.decode($0) }
            records.append((String(decoding: key, as: UTF8.self), try VMZRecord(tensors: tensors, place: "r")))
        }
        return records
    }

    private func list(_ folder: String, _ count: Int) throws -> ClipList {
        var text = "org_video,label,start_frm,video_id\n"
        for i in 0..<count {
            try writeWhole(try smallVideo(frames: 3, seed: UInt64(i + 1)), to: "\(folder)/\(i).mp4")
            text += "\(i).mp4,\(i),\(10 * i),\(100 + i)\n"
        }
        return try ClipList(text: text, name: folder + "/list.csv", folder: folder)
    }

    @Test func eachVideoIsThereOnceWithItsLabel() throws {
        try withTemporaryFolder { folder in
            let list = try list(folder, 13)
            let records = try written(VMZDatabase(), list, folder + "/db")
            // LMDB's order of VMZ's keys: 0, 1, 10, 11, 12, 2 ...
            #expect(records.map(\.key) == (0..<13).map(String.init).sorted())
            #expect(records.map(\.record.label).sorted() == Array(0..<13))
            #expect(records.map(\.record.label) != Array(0..<13), "the order is not the list's")
            for (_, record) in records {
                #expect(record.video == .bytes(try readWhole("\(folder)/\(record.label).mp4")))
                #expect(record.startFrame == nil && record.videoID == nil)
            }
        }
    }

    @Test func copiesOfPathsHaveOrdersOfTheirOwn() throws {
        try withTemporaryFolder { folder in
            let list = try list(folder, 6)
            var database = VMZDatabase()
            database.holdsPaths = true
            database.hasStartFrames = true
            database.hasVideoIDs = true
            database.copies = 4
            let records = try written(database, list, folder + "/db").sorted { Int($0.key) ?? 0 < Int($1.key) ?? 0 }
            #expect(records.count == 24)
            let orders = (0..<4).map { copy in records[(6 * copy)..<(6 * copy + 6)].map(\.record.label) }
            for order in orders { #expect(order.sorted() == Array(0..<6)) }
            #expect(Set(orders).count > 1, "\(orders)")
            for (_, record) in records {
                #expect(record.video == .path("\(folder)/\(record.label).mp4"))
                #expect(record.startFrame == 10 * record.label && record.videoID == 100 + record.label)
            }
            // Read in again, a copy counts once.
            var unpacking = try Unpacking(into: folder + "/in")
            try unpacking.takeVMZ(folder + "/db")
            let read = try ClipList(path: try unpacking.finish().list)
            #expect(read.entries.count == 24 && read.withoutCopies.entries.count == 6)
        }
    }

    @Test func aMissingVideoAndAFolderThatIsThereAreNamed() throws {
        try withTemporaryFolder { folder in
            let list = try ClipList(text: "\(folder)/none.mp4 0\n", name: "l.csv", folder: folder)
            let missing = #expect(throws: Fault.self) { try VMZDatabase().write(list, to: folder + "/db") }
            #expect(missing?.thing == "l.csv:1" && missing?.reason == "there is no video \(folder)/none.mp4")
            #expect(!pathExists(folder + "/db"))
            let occupied = #expect(throws: Fault.self) { try VMZDatabase().write(list, to: folder) }
            #expect(occupied?.reason == "is there already")
        }
    }
}
