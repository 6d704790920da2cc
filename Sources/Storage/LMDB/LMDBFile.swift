public import Faults
import Glibc

/// Reads every record of an LMDB file that somebody else made, without LMDB: that library trusts what stands on pages.
///
/// Walks the tree of the unnamed database from the newer of the two meta pages, each page read by `pread` and each number
/// on it checked. Format: version 1 of `mdb.c`, 64 bits, little endian; no duplicate keys, no named databases.
public struct LMDBFile {
    public let path: String
    /// Records, as the file claims.
    public let count: Int
    private let file: Descriptor
    private let fileBytes: Int
    private let pageBytes: Int
    private let root: UInt64

    private static let none = UInt64.max
    private static let headerBytes = 16
    private static let deepest = 64
    /// The most that one value may have.
    private static let mostValueBytes = 2 << 30

    private enum PageFlag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflow: UInt16 = 4
        static let meta: UInt16 = 8
    }

    /// - Parameter path: the file, or the folder that holds `data.mdb`.
    /// - Throws: a data `Fault` when it is not an LMDB file that can be read.
    public init(_ path: String) throws(Fault) {
        let isFolder = try fileKind(path) == .directory
        self.path = isFolder ? path + "/data.mdb" : path
        file = try Descriptor(self.path, O_RDONLY)
        fileBytes = try file.size
        let first = try Self.page(file, self.path, at: 0, count: 152)
        guard first.count == 152, first.number(16, UInt32.self) == 0xBEEF_C0DE, first.number(20, UInt32.self) == 1
        else {
            throw Fault(.data, self.path, "is not an LMDB file of version 1")
        }
        let size = Int(first.number(40, UInt32.self))
        guard (512...65536).contains(size), size.nonzeroBitCount == 1 else {
            throw Fault(.data, self.path, "is damaged: its pages cannot have \(size) bytes")
        }
        pageBytes = size
        let second = try Self.page(file, self.path, at: size, count: 152)
        guard second.count == 152, second.number(16, UInt32.self) == 0xBEEF_C0DE else {
            throw Fault(.data, self.path, "is damaged: its second meta page is none")
        }
        let newest = second.number(144, UInt64.self) > first.number(144, UInt64.self) ? second : first
        // Flags of the database: keys that repeat or are numbers are stored in other ways.
        guard newest.number(92, UInt16.self) & 0x7FFF == 0 else {
            throw Fault(.data, self.path, "has a kind of keys that no database of videos has")
        }
        count = Int(clamping: newest.number(120, UInt64.self))
        root = newest.number(128, UInt64.self)
    }

    /// Calls `body` with each record in the order of keys.
    /// - Throws: a data `Fault` where a page makes no sense; what `body` throws.
    public func visit(_ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        guard root != Self.none else { return }
        // No page may come up twice, or a damaged tree would never end, and a value be given for each of a thousand keys.
        var left = fileBytes / pageBytes + 1
        try walk(root, 0, &left, body)
    }

    private func walk(
        _ number: UInt64, _ depth: Int, _ left: inout Int, _ body: ([UInt8], [UInt8]) throws -> Void
    ) throws {
        left -= 1
        guard depth < Self.deepest, left >= 0 else { throw damaged("its pages refer to each other in circles") }
        let page = try read(number, count: pageBytes)
        let flags = page.number(10, UInt16.self)
        let lower = Int(page.number(12, UInt16.self))
        guard lower >= Self.headerBytes, lower <= pageBytes, lower % 2 == 0 else {
            throw damaged("page \(number) has no room for what it claims")
        }
        for i in 0..<(lower - Self.headerBytes) / 2 {
            let at = Int(page.number(Self.headerBytes + 2 * i, UInt16.self))
            guard at >= lower, at + 8 <= pageBytes else { throw damaged("page \(number) points outside itself") }
            let (low, high) = (UInt64(page.number(at, UInt16.self)), UInt64(page.number(at + 2, UInt16.self)))
            let nodeFlags = page.number(at + 4, UInt16.self)
            let keyBytes = Int(page.number(at + 6, UInt16.self))
            guard at + 8 + keyBytes <= pageBytes else { throw damaged("a key on page \(number) is too long") }
            if flags & PageFlag.branch != 0 {
                try walk(low | high << 16 | UInt64(nodeFlags) << 32, depth + 1, &left, body)
            } else if flags & PageFlag.leaf != 0 {
                let key = Array(page[at + 8..<at + 8 + keyBytes])
                let size = Int(low | high << 16)
                try body(key, try value(page, at + 8 + keyBytes, size, nodeFlags, &left))
            } else {
                throw damaged("page \(number) is of no known kind")
            }
        }
    }

    private func value(
        _ page: [UInt8], _ at: Int, _ size: Int, _ flags: UInt16, _ left: inout Int
    ) throws(Fault) -> [UInt8] {
        guard size <= Self.mostValueBytes else { throw damaged("a value claims \(size) bytes") }
        switch flags {
        case 0:
            guard at + size <= pageBytes else { throw damaged("a value reaches over its page") }
            return Array(page[at..<at + size])
        case 1:
            // It stands on pages of its own, behind the header of the first.
            guard at + 8 <= pageBytes else { throw damaged("a value reaches over its page") }
            left -= (Self.headerBytes + size + pageBytes - 1) / pageBytes
            guard left >= 0 else { throw damaged("its values have more pages than it has") }
            let whole = try read(page.number(at, UInt64.self), count: Self.headerBytes + size)
            guard whole.number(10, UInt16.self) & PageFlag.overflow != 0 else {
                throw damaged("a value stands where none is")
            }
            return Array(whole.dropFirst(Self.headerBytes))
        default: throw damaged("it holds databases of its own or keys that repeat")
        }
    }

    private func read(_ number: UInt64, count: Int) throws(Fault) -> [UInt8] {
        guard number < UInt64(fileBytes / pageBytes), Int(number) * pageBytes + count <= fileBytes else {
            throw damaged("it refers to page \(number), which it does not have")
        }
        let bytes = try Self.page(file, path, at: Int(number) * pageBytes, count: count)
        guard bytes.count == count else { throw damaged("it is cut short") }
        return bytes
    }

    private static func page(_ file: Descriptor, _ path: String, at offset: Int, count: Int) throws(Fault) -> [UInt8] {
        var failure: Fault?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let memory = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
            do throws(Fault) { initialized = try file.read(into: memory, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    private func damaged(_ why: String) -> Fault { Fault(.data, path, "is damaged: \(why)") }
}

extension [UInt8] {
    fileprivate func number<T: FixedWidthInteger>(_ at: Int, _: T.Type) -> T {
        withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: T.self)) }
    }
}
