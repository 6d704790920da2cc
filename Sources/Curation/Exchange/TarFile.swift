import Clips
public import Faults
import Storage

/// Writes a tar file (POSIX ustar) of small members: the same bytes for the same members, whoever runs it and when.
public struct TarWriter {
    private let file: AtomicFile
    private var offset = 0
    public var byteCount: Int { offset }

    /// - Throws: a `Fault` when the file cannot be made.
    public init(_ path: String) throws(Fault) { file = try AtomicFile(path) }

    /// - Parameter name: at most 100 ASCII characters.
    public mutating func append(_ name: String, _ content: UnsafeRawBufferPointer) throws(Fault) {
        precondition(name.utf8.count <= 100 && name.utf8.allSatisfy { $0 > 32 && $0 < 127 }, name)
        guard content.count < 1 << 33 else { throw Fault(.data, name, "is too large for a tar file") }
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at: Int) { header.replaceSubrange(at..<at + text.utf8.count, with: text.utf8) }
        func octal(_ value: Int, digits: Int, at: Int) {
            let text = String(value, radix: 8)
            put(String(repeating: "0", count: digits - text.count) + text, at: at)
        }
        put(name, at: 0)
        octal(0o644, digits: 7, at: 100)
        octal(0, digits: 7, at: 108)
        octal(0, digits: 7, at: 116)
        octal(content.count, digits: 11, at: 124)
        octal(0, digits: 11, at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\u{0}00", at: 257)
        octal(header.reduce(0) { $0 + Int($1) }, digits: 6, at: 148)
        header[154] = 0
        try file.write(header, at: offset)
        try file.write(content, at: offset + 512)
        offset += 512 + (content.count + 511) / 512 * 512
    }

    /// Ends the file and gives it its name.
    public consuming func finish() throws(Fault) {
        // Two blocks of zeros, then zeros up to a record of 20 blocks, as tar programs do.
        let end = (offset + 1024 + 10239) / 10240 * 10240
        try file.write([0], at: end - 1)
        try file.commit()
    }
}

/// Reads the regular files of an uncompressed tar file (ustar, with names of any length as GNU tar or pax write them).
public struct TarFile {
    private let path: String
    private let file: Descriptor
    private let size: Int

    /// The most that one member may have.
    private static let mostBytes = 2 << 30

    /// - Throws: a `Fault` when it cannot be opened.
    public init(_ path: String) throws(Fault) {
        self.path = path
        file = try Descriptor(path, 0)
        size = try file.size
    }

    /// Calls `body` with each regular file in order. Links and devices are passed over.
    /// - Throws: a data `Fault` when a header is wrong or the file is cut; what `body` throws.
    public func visit(_ body: (_ name: String, _ content: [UInt8]) throws -> Void) throws {
        var offset = 0
        var longName: String?
        while offset + 512 <= size {
            let header = try read(offset, 512)
            if header.allSatisfy({ $0 == 0 }) { return }
            try checkSum(header, offset)
            guard let count = number(header[124..<136]), count <= Self.mostBytes, offset + 512 + count <= size else {
                throw damaged("a member claims more bytes than it has", offset)
            }
            let kind = header[156]
            let content = { () throws(Fault) -> [UInt8] in try read(offset + 512, count) }
            switch kind {
            case UInt8(ascii: "L"):
                guard count <= 4096 else { throw damaged("a name is too long", offset) }
                longName = text(try content()[...])
            case UInt8(ascii: "x"):
                guard count <= 65536 else { throw damaged("a header is too long", offset) }
                longName = paxPath(try content()) ?? longName
            case UInt8(ascii: "0"), 0:
                let prefix = header[257..<262].elementsEqual("ustar".utf8) ? text(header[345..<500]) : ""
                let name = longName ?? (prefix.isEmpty ? "" : prefix + "/") + text(header[0..<100])
                longName = nil
                try body(name, try content())
            default: longName = nil
            }
            offset += 512 + (count + 511) / 512 * 512
        }
        throw Fault(.data, path, "is cut short: a tar file ends with empty blocks", mend: "copy it again")
    }

    private func read(_ offset: Int, _ count: Int) throws(Fault) -> [UInt8] {
        var failure: Fault?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let memory = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
            do throws(Fault) { initialized = try file.read(into: memory, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        guard bytes.count == count else { throw damaged("it is cut short", offset) }
        return bytes
    }

    private func checkSum(_ header: [UInt8], _ offset: Int) throws(Fault) {
        let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        guard number(header[148..<156]) == sum else { throw damaged("it is no tar file, or damaged", offset) }
    }

    private func number(_ digits: ArraySlice<UInt8>) -> Int? {
        Int(text(digits).trimmed(), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// `27 path=some/long/name\n` among the records of a pax header.
    private func paxPath(_ content: [UInt8]) -> String? {
        content.split(separator: UInt8(ascii: "\n")).compactMap { line -> String? in
            guard let blank = line.firstIndex(of: 32) else { return nil }
            let record = String(decoding: line[(blank + 1)...], as: UTF8.self)
            return record.hasPrefix("path=") ? String(record.dropFirst(5)) : nil
        }.last
    }

    private func damaged(_ why: String, _ offset: Int) -> Fault { Fault(.data, path, "\(why) (at byte \(offset))") }
}
