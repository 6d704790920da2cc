import Faults
import Randomness
import Storage
import TestSupport
import Testing

@Suite struct LMDBTests {
    private func write(_ path: String, records: Int, size: Int = 10_000) throws {
        let environment = try LMDBEnvironment(creating: path, capacity: 4 * records * (size + 8192))
        for start in stride(from: 0, to: records, by: 4) {
            try environment.write { transaction in
                for i in start..<min(records, start + 4) {
                    let value = [UInt8](repeating: UInt8(i), count: size + i)
                    try value.withUnsafeBytes { try transaction.append(key: [0, UInt8(i)], value: $0) }
                }
            }
        }
        try environment.synchronize()
    }

    @Test func recordsComeBackInPlace() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.mdb"
            try write(path, records: 9)
            let sealed = try LMDBEnvironment(sealed: path)
            #expect(sealed.count == 9)
            try sealed.read { transaction in
                for i in 0..<9 {
                    let value = try #require(try transaction.value(of: [0, UInt8(i)]))
                    #expect(value.count == 10_000 + i)
                    #expect(value.allSatisfy { $0 == UInt8(i) })
                }
                #expect(try transaction.value(of: [7]) == nil)
            }
            #expect(try directoryNames(folder) == ["a.mdb"], "a sealed file needs no lock file")
        }
    }

    @Test func theSameRecordsGiveTheSameFile() throws {
        try withTemporaryFolder { folder in
            try write(folder + "/a", records: 12)
            try write(folder + "/b", records: 12)
            #expect(try readWhole(folder + "/a") == readWhole(folder + "/b"))
        }
    }

    @Test func aFailedTransactionLeavesNothing() throws {
        try withTemporaryFolder { folder in
            let environment = try LMDBEnvironment(creating: folder + "/a", capacity: 1 << 20)
            let fault = Fault(.data, "x", "y")
            #expect(throws: fault) {
                try environment.write { transaction in
                    try [UInt8(1)].withUnsafeBytes { try transaction.append(key: [1], value: $0) }
                    throw fault
                }
            }
            #expect(environment.count == 0)
        }
    }

    @Test func aFullFileIsAFault() throws {
        try withTemporaryFolder { folder in
            let environment = try LMDBEnvironment(creating: folder + "/a", capacity: 1 << 16)
            let value = [UInt8](repeating: 0, count: 1 << 20)
            let fault = #expect(throws: Fault.self) {
                try environment.write { transaction in
                    try value.withUnsafeBytes { try transaction.append(key: [1], value: $0) }
                }
            }
            #expect(fault?.reason.contains("full") == true)
        }
    }

    @Test func whatIsNoLMDBIsAFaultThatNamesIt() throws {
        try withTemporaryFolder { folder in
            #expect(throws: Fault.self) { try LMDBEnvironment(sealed: folder + "/missing") }
            for (name, bytes) in [
                ("empty", []), ("text", Array("path label\n".utf8)), ("zeros", [UInt8](repeating: 0, count: 9000)),
            ] {
                try writeWhole(bytes, to: folder + "/" + name)
                let fault = #expect(throws: Fault.self) { try LMDBEnvironment(sealed: folder + "/" + name) }
                #expect(fault?.thing == folder + "/" + name)
                #expect(fault?.code == .data)
            }
        }
    }

    /// Cut at every page, and with hostile words in the meta pages: a fault or the records, never a crash.
    @Test func damagedFilesNeverCrash() throws {
        try withTemporaryFolder { folder in
            try write(folder + "/a", records: 3)
            let whole = try readWhole(folder + "/a")
            for length in stride(from: 0, to: whole.count, by: 2048) {
                try writeWhole(Array(whole[..<length]), to: folder + "/cut")
                #expect(throws: Fault.self, "cut to \(length)") { try LMDBEnvironment(sealed: folder + "/cut") }
            }
            for trial in 0..<300 {
                let draws = Draws(seed: 3, place: UInt64(trial), purpose: .simulation)
                var bytes = whole
                for k in 0..<1 + draws.integer(0, below: 3) {
                    let page = 4096 * draws.integer(3 * k + 1, below: 2)
                    bytes[page + draws.integer(3 * k + 2, below: 48)] = UInt8(draws.integer(3 * k + 3, below: 256))
                }
                try writeWhole(bytes, to: folder + "/hostile")
                do {
                    let sealed = try LMDBEnvironment(sealed: folder + "/hostile")
                    try sealed.read { transaction in _ = try transaction.value(of: [0, 1]) }
                } catch let fault as Fault { #expect(fault.code == .data, "trial \(trial)") }
            }
        }
    }
}
