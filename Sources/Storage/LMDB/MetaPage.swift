import Faults
import Glibc

/// What an LMDB file says about itself on its first two pages (`MDB_meta` in LMDB's `mdb.c`, 64 bits, little endian).
enum MetaPage {
    /// Page header 16 bytes (number 8, padding 2, flags 2, bounds 4), then magic 4, version 4, address 8, map size 8,
    /// and the free-list database, whose first word is the size of a page.
    private static let length = 44
    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let metaFlag: UInt16 = 8

    /// - Throws: a data `Fault` that says why the file at `path` cannot be one of ours.
    static func check(_ path: String) throws(Fault) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Fault(.data, path, "cannot be opened: \(systemMessage(errno))") }
        defer { close(file) }
        let pageSize = try check(file, path, at: 0)
        let second = try check(file, path, at: pageSize)
        guard second == pageSize else { throw notOurs(path, "its meta pages disagree about the size of a page") }
    }

    private static func check(_ file: Int32, _ path: String, at offset: Int) throws(Fault) -> Int {
        var page = [UInt8](repeating: 0, count: length)
        guard pread(file, &page, length, offset) == length else { throw notOurs(path, "it is too short") }
        func number<T: FixedWidthInteger>(_ at: Int, _: T.Type) -> T {
            page.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: T.self)) }
        }
        guard number(10, UInt16.self) & metaFlag != 0, number(16, UInt32.self) == magic else {
            throw notOurs(path, "it does not begin like one")
        }
        guard number(20, UInt32.self) == 1 else {
            throw notOurs(path, "its format is version \(number(20, UInt32.self)), not 1")
        }
        let mapSize = number(32, UInt64.self)
        let pageSize = number(40, UInt32.self)
        guard pageSize >= 512, pageSize <= 65536, pageSize.nonzeroBitCount == 1, mapSize < 1 << 46 else {
            throw notOurs(path, "its sizes make no sense")
        }
        return Int(pageSize)
    }

    private static func notOurs(_ path: String, _ why: String) -> Fault {
        Fault(.data, path, "is not an LMDB file that can be read here: \(why)")
    }
}
