import Faults

/// What a file's first bytes say it is.
enum RecognisedFormat: Equatable {
    case safetensors
    case zip
    case gzip
    case pickle
    case minidb

    /// - Parameters:
    ///   - head: the file, or its beginning.
    ///   - size: how many bytes the whole has, or may have at most.
    /// - Throws: a data `Fault` that says what the file seems to be instead.
    init(_ head: CheckpointBytes, size: Int) throws(Fault) {
        if Gunzip.recognises(head) {
            self = .gzip
        } else if ZipArchive.recognises(head) {
            self = .zip
        } else if SafetensorsReader.recognises(head, size: size) {
            self = .safetensors
        } else if MinidbReader.recognises(head, size: size) {
            self = .minidb
        } else if Self.beginsPickle(head.bytes.prefix(128)) {
            self = .pickle
        } else {
            let (reason, mend) = Self.stranger(head)
            throw head.fault(at: 0, reason, mend: mend)
        }
    }

    /// Protocols 2 and up say so; 0 and 1 begin with a container, a global or torch's magic number.
    private static func beginsPickle(_ head: ArraySlice<UInt8>) -> Bool {
        guard let first = head.first, head.count > 1 else { return false }
        let second = head[head.startIndex + 1]
        switch first {
        case 0x80: return second <= 5
        case UInt8(ascii: "("): return [UInt8(ascii: "d"), UInt8(ascii: "l"), UInt8(ascii: "t")].contains(second)
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            return [UInt8(ascii: "q"), UInt8(ascii: "r"), UInt8(ascii: "("), UInt8(ascii: ".")].contains(second)
        case UInt8(ascii: "L"): return (48...57).contains(second)
        case UInt8(ascii: "c"):
            guard let end = head.firstIndex(of: 10) else { return false }
            return head[..<end].allSatisfy { $0 == 0x2E || $0 == 0x5F || Character(Unicode.Scalar($0)).isLetter }
        default: return false
        }
    }

    private static func stranger(_ head: CheckpointBytes) -> (reason: String, mend: String) {
        func begins(_ text: String) -> Bool { head.starts(with: Array(text.utf8)) }
        if head.bytes.isEmpty { return ("is empty", "fetch or save the file again") }
        if begins("<") { return ("is a page of the web or XML, and no checkpoint", "fetch the file itself") }
        if begins("version https://git-lfs") {
            return ("is git-lfs's note of a file, and not the file", "run git lfs pull")
        }
        if head.starts(with: Array("ustar".utf8), at: 257) {
            let names = tarNames(head)
            return (
                "is a tar archive" + (names.isEmpty ? "" : " that holds \(names.joined(separator: ", "))"),
                "unpack it with tar -xf and name the checkpoint in it"
            )
        }
        if head.starts(with: [0x89, 0x48, 0x44, 0x46]) {
            return ("is HDF5", "convert it to safetensors where it was made")
        }
        let known = Checkpoint.Format.allCases.map(\.rawValue).joined(separator: ", ")
        return ("is no checkpoint of a known format", "known are \(known), and gzip around them")
    }

    /// The first few members' names.
    private static func tarNames(_ head: CheckpointBytes) -> [String] {
        var names: [String] = []
        var position = 0
        while names.count < 4, head.starts(with: Array("ustar".utf8), at: position + 257) {
            let name = head.bytes[position..<position + 100].prefix { $0 != 0 }
            names.append(String(decoding: name, as: UTF8.self))
            let size = head.bytes[position + 124..<position + 136].prefix { (48...55).contains($0) }
            guard let count = Int(String(decoding: size, as: UTF8.self), radix: 8) else { break }
            position += 512 + (count + 511) / 512 * 512
        }
        return names
    }
}
