import Faults
public import Storage

/// What was found when a file was whole: kept beside it as `NAME.receipt`, so that nothing is fetched or tested twice.
///
/// A file without a receipt is tested before anything believes in it, whoever brought it.
public struct Receipt: Sendable, Equatable {
    public var bytes: Int
    public var digest: Digest
    /// Of the server's version; `nil` when the file was there already.
    public var validator: String?

    static func path(of file: String) -> String { file + ".receipt" }

    /// One `key<TAB>value` a line.
    var text: String {
        "bytes\t\(bytes)\nsha256\t\(digest)\n" + (validator.map { "validator\t\($0)\n" } ?? "")
    }

    init(bytes: Int, digest: Digest, validator: String?) {
        (self.bytes, self.digest) = (bytes, digest)
        // What would break the line is no validator that could be sent back.
        self.validator = validator.flatMap { $0.utf8.contains { $0 < 0x20 } ? nil : $0 }
    }

    init?(_ text: String) {
        let fields = keyedLines(text)
        guard let bytes = fields["bytes"].flatMap({ Int($0) }), bytes >= 0,
            let digest = fields["sha256"].flatMap({ Digest(hexadecimal: $0) })
        else { return nil }
        self.init(bytes: bytes, digest: digest, validator: fields["validator"])
    }

    /// The receipt of a file; `nil` when it has none that can be read.
    static func read(of file: String) -> Receipt? {
        (try? readWhole(path(of: file), limit: 1 << 16)).flatMap { Receipt(String(decoding: $0, as: UTF8.self)) }
    }

    func write(of file: String) throws(Fault) { try writeWhole(text, to: Self.path(of: file)) }
}

/// `key<TAB>value` lines; others are passed over.
func keyedLines(_ text: String) -> [String: String] {
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
        guard let tab = line.firstIndex(of: "\t") else { continue }
        fields[String(line[..<tab])] = String(line[line.index(after: tab)...])
    }
    return fields
}
