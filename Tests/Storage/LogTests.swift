import Faults
import Glibc
import Storage
import Synchronization
import TestSupport
import Testing

@Suite("The append-only log")
struct LogTests {
    private func records(_ directory: String, segmentBytes: Int = 1 << 20) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        _ = try AppendOnlyLog(directory: directory, segmentBytes: segmentBytes) { found.append(Array($0)) }
        return found
    }

    /// Record `i`: its length varies, its bytes say who it is.
    private func record(_ i: Int) -> [UInt8] { (0..<i * 7 % 40).map { UInt8(truncatingIfNeeded: i &* 31 &+ $0) } }

    @Test("CRC-32C gives the check values of RFC 3720 and is the same however the bytes are cut")
    func checksums() {
        #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.of(Array(0..<32)) == 0x46DD_794E)
        #expect(CRC32C.of([UInt8]()) == 0)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* $0) }
        for cut in [0, 1, 7, 8, 9, 500, 1000] {
            var crc = CRC32C()
            crc.take(Array(bytes[..<cut]))
            crc.take(Array(bytes[cut...]))
            #expect(crc.value == CRC32C.of(bytes))
        }
    }

    @Test("What was appended is there after opening again, over several segments")
    func roundTrip() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/ledger"
            var expected: [[UInt8]] = []
            for round in 0..<5 {
                var seen: [[UInt8]] = []
                let log = try AppendOnlyLog(directory: path, segmentBytes: 256) { seen.append(Array($0)) }
                #expect(seen == expected)
                #expect(log.count == UInt64(expected.count))
                for batch in 0..<6 {
                    let records = (0..<batch).map { record(round * 100 + batch * 10 + $0) }
                    try log.append(records)
                    expected += records
                }
            }
            #expect(try records(path, segmentBytes: 256) == expected)
            #expect(try directoryNames(path).count > 3)
            var read: [[UInt8]] = []
            try AppendOnlyLog.read(directory: path) { read.append(Array($0)) }
            #expect(read == expected)
        }
    }

    @Test("Cut at any byte, the log keeps the whole records, cuts the rest and goes on")
    func tornAtEveryByte() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/ledger"
            let log = try AppendOnlyLog(directory: path)
            var sizes = [try readWhole(segment(path)).count]
            for i in 1...4 {
                try log.append([record(i)])
                sizes.append(try readWhole(segment(path)).count)
            }
            let whole = try readWhole(segment(path))
            for cut in 0..<whole.count {
                let torn = directory + "/torn-\(cut)"
                try makeDirectories(torn)
                try writeWhole(Array(whole[..<cut]), to: segment(torn))
                let kept = sizes.dropFirst().filter { $0 <= cut }.count
                #expect(try records(torn) == (0..<kept).map { record($0 + 1) }, "cut at byte \(cut)")
                let again = try AppendOnlyLog(directory: torn)
                try again.append([[42]])
                #expect(try records(torn) == (0..<kept).map { record($0 + 1) } + [[42]], "cut at byte \(cut)")
            }
        }
    }

    private func segment(_ directory: String) throws -> String {
        let path = directory + "/0000000000000000.log"
        // The first segment is made by the first append.
        if !pathExists(path) { try writeWhole([UInt8](), to: path) }
        return path
    }

    @Test("A torn last batch whose end reached the disk before its start is cut")
    func tornOutOfOrder() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/ledger"
            let log = try AppendOnlyLog(directory: path)
            try log.append([[1, 2, 3]])
            let kept = try readWhole(segment(path)).count
            try log.append([[UInt8](repeating: 7, count: 50), [8, 8, 8]])
            var bytes = try readWhole(segment(path))
            for i in kept..<kept + 30 { bytes[i] = 0 }
            try writeWhole(bytes, to: segment(path))
            #expect(try records(path) == [[1, 2, 3]])
        }
    }

    @Test("A flipped bit in an acknowledged record is a fault, never a silent cut", arguments: 0..<8)
    func damage(bit: Int) throws {
        try withTemporaryFolder { directory in
            let path = directory + "/ledger"
            let log = try AppendOnlyLog(directory: path)
            var ends: [Int] = []
            for i in 1...6 {
                try log.append([record(i)])
                ends.append(try readWhole(segment(path)).count)
            }
            let whole = try readWhole(segment(path))
            // Any byte of the first four records: at least one later batch proves that they were flushed.
            for offset in 0..<ends[3] {
                var bytes = whole
                bytes[offset] ^= 1 << UInt8(bit)
                try writeWhole(bytes, to: segment(path))
                let fault = #expect(throws: Fault.self, "byte \(offset)") { try records(path) }
                #expect(fault?.code == .data)
                #expect(try readWhole(segment(path)) == bytes)
            }
        }
    }

    @Test("A missing segment is a fault")
    func missingSegment() throws {
        try withTemporaryFolder { directory in
            let log = try AppendOnlyLog(directory: directory, segmentBytes: 64)
            for i in 1...9 { try log.append([record(i)]) }
            let names = try directoryNames(directory)
            try #require(names.count >= 3)
            try removeTree(directory + "/" + names[1])
            #expect(throws: Fault.self) { try records(directory, segmentBytes: 64) }
        }
    }

    @Test("A full disk is a fault that changes nothing; the append may be repeated")
    func fullDisk() throws {
        try withTemporaryFolder { directory in
            let room = Mutex(10_000)
            let calls = FileCalls(
                write: { number, bytes, offset in
                    let fits = room.withLock { room in
                        let fits = min(room, bytes.count)
                        room -= fits
                        return fits
                    }
                    guard fits > 0 else {
                        errno = ENOSPC
                        return -1
                    }
                    return pwrite(number, bytes.baseAddress, fits, offset)
                }, synchronize: { fsync($0) })
            let log = try AppendOnlyLog(directory: directory, segmentBytes: 100, calls: calls)
            try log.append([record(3)])
            // Full in the middle of a record, at once, and in the header of a new segment.
            for space in [20, 0, 5] {
                room.withLock { $0 = space }
                let fault = #expect(throws: Fault.self) { try log.append([[UInt8](repeating: 1, count: 90)]) }
                #expect(fault?.code == .stoppedEarly)
                #expect(fault?.mend.contains("free some space") == true)
                #expect(log.count == 1)
                #expect(try records(directory, segmentBytes: 100) == [record(3)])
            }
            room.withLock { $0 = 1000 }
            try log.append([[UInt8](repeating: 1, count: 90)])
            room.withLock { $0 = 5 }
            #expect(throws: Fault.self) { try log.append([[9]]) }
            room.withLock { $0 = 1000 }
            try log.append([[9]])
            #expect(
                try records(directory, segmentBytes: 100) == [record(3), [UInt8](repeating: 1, count: 90), [9]])
        }
    }

    @Test("A disk that is full when a segment's name is flushed is waited for, too; one that fails otherwise is not")
    func fullDirectory() throws {
        try withTemporaryFolder { directory in
            let failing = Mutex<Int32>(0)
            let calls = FileCalls(
                write: { pwrite($0, $1.baseAddress, $1.count, $2) },
                synchronize: { number in
                    var status = stat()
                    let error = failing.withLock { $0 }
                    guard error != 0, fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFDIR
                    else {
                        return fsync(number)
                    }
                    errno = error
                    return -1
                })
            let log = try AppendOnlyLog(directory: directory, generation: 3, segmentBytes: 40, calls: calls)
            try log.append([[1, 2, 3]])
            failing.withLock { $0 = ENOSPC }
            for _ in 0..<2 {
                let fault = #expect(throws: Fault.self) { try log.append([[9]]) }
                #expect(fault?.code == .stoppedEarly)
            }
            failing.withLock { $0 = 0 }
            try log.append([[9]])
            for error in [EIO, 0] {
                failing.withLock { $0 = error }
                #expect(throws: Fault.self) { try log.append([[10]]) }
            }
            var found: [[UInt8]] = []
            try AppendOnlyLog.read(directory: directory) { found.append(Array($0)) }
            #expect(found == [[1, 2, 3], [9]])
        }
    }

    @Test("After a failed flush the log refuses to go on")
    func failedFlush() throws {
        try withTemporaryFolder { directory in
            let fails = Mutex(false)
            let calls = FileCalls(
                write: { pwrite($0, $1.baseAddress, $1.count, $2) },
                synchronize: { number in
                    guard fails.withLock({ $0 }) else { return fsync(number) }
                    errno = EIO
                    return -1
                })
            let log = try AppendOnlyLog(directory: directory, calls: calls)
            try log.append([[1]])
            fails.withLock { $0 = true }
            #expect(throws: Fault.self) { try log.append([[2]]) }
            fails.withLock { $0 = false }
            #expect(throws: Fault.self) { try log.append([[3]]) }
            #expect(log.count == 1)
        }
    }

    @Test("Bytes that are no log are refused, and left as they are", arguments: [1, 19, 20, 21, 500])
    func notALog(size: Int) throws {
        try withTemporaryFolder { directory in
            try makeDirectories(directory)
            let path = try segment(directory)
            let bytes = [UInt8](repeating: 0x5A, count: size)
            try writeWhole(bytes, to: path)
            if size > 20 {
                #expect(throws: Fault.self) { try records(directory) }
                #expect(try readWhole(path) == bytes)
            } else {
                #expect(try records(directory).isEmpty)
            }
        }
    }
}
