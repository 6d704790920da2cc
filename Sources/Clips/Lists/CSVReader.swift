public import Faults

/// Reads separated values (RFC 4180) record by record, and knows on which line each begins.
///
/// Lines end in CR LF, LF or CR; a byte-order mark and blank lines are skipped. A quoted field may hold separators, line
/// ends and doubled quotation marks. A quotation mark inside a field that does not begin with one is a character like
/// any other, as file names have them.
public struct CSVReader {
    public struct Record: Sendable, Equatable {
        /// Line it begins on, from 1.
        public let line: Int
        public let fields: [String]

        public init(line: Int, fields: [String]) {
            self.line = line
            self.fields = fields
        }
    }

    private let name: String
    private let bytes: [UInt8]
    private let separator: UInt8
    private var position = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")

    /// - Parameters:
    ///   - name: what the file is called in faults.
    ///   - separator: an ASCII character that is neither a quotation mark nor a line end.
    public init(_ bytes: [UInt8], name: String, separator: UInt8 = UInt8(ascii: ",")) {
        self.name = name
        self.bytes = bytes
        self.separator = separator
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next record that is not blank; `nil` at the end.
    /// - Throws: a data `Fault` that names the line, for a quotation mark that is not closed or has text behind it, for
    ///   bytes that are not UTF-8, and for NUL.
    public mutating func next() throws(Fault) -> Record? {
        while position < bytes.count {
            let first = line
            var fields: [String] = []
            while true {
                fields.append(try field(first))
                guard position < bytes.count, bytes[position] == separator else { break }
                position += 1
            }
            endLine()
            if fields.count > 1 || !fields[0].allSatisfy(\.isWhitespace) { return Record(line: first, fields: fields) }
        }
        return nil
    }

    private mutating func field(_ first: Int) throws(Fault) -> String {
        if position < bytes.count, bytes[position] == Self.quote { return try quotedField(first) }
        let start = position
        while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) { position += 1 }
        return try text(bytes[start..<position], first)
    }

    private mutating func quotedField(_ first: Int) throws(Fault) -> String {
        var content: [UInt8] = []
        position += 1
        while true {
            guard position < bytes.count else {
                throw Fault(.data, "\(name):\(first)", "a quotation mark is not closed")
            }
            let byte = bytes[position]
            if byte == Self.quote {
                position += 1
                guard position < bytes.count, bytes[position] == Self.quote else { break }
            } else if byte == Self.lineFeed || byte == Self.carriageReturn && !isLineFeed(position + 1) {
                line += 1
            }
            content.append(byte)
            position += 1
        }
        while position < bytes.count, isBlank(bytes[position]), bytes[position] != separator { position += 1 }
        guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
            throw Fault(.data, "\(name):\(first)", "text follows a closing quotation mark")
        }
        return try text(content[...], first)
    }

    private mutating func endLine() {
        guard position < bytes.count else { return }
        let isPair = bytes[position] == Self.carriageReturn && isLineFeed(position + 1)
        position += isPair ? 2 : 1
        line += 1
    }

    private func isLineFeed(_ index: Int) -> Bool { index < bytes.count && bytes[index] == Self.lineFeed }
    private func isLineEnd(_ byte: UInt8) -> Bool { byte == Self.lineFeed || byte == Self.carriageReturn }
    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private func text(_ content: ArraySlice<UInt8>, _ line: Int) throws(Fault) -> String {
        guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else {
            throw Fault(.data, "\(name):\(line)", "is not UTF-8 text", mend: "save the file as UTF-8")
        }
        return text
    }
}
