import CZlib
import Faults
import Glibc
import Storage

/// The bytes of a tar archive, taken out of gzip when it is one, in order and in pieces. The owner of zlib's stream here.
///
/// Only reading to the end proves the file whole: then gzip's CRC-32 and length were compared. libarchive's own gzip
/// reader compares neither. On the way the file's SHA-256 is computed.
final class ExpandedFile {
    private static let pieceBytes = 1 << 18
    private let path: String
    private let file: Descriptor
    private let size: Int
    private var position = 0
    private let input: UnsafeMutableRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    private let stream: UnsafeMutablePointer<z_stream>
    private let isGzip: Bool
    private var isInMember = false
    private var members = 0
    private var hasher: Digest.Hasher?
    /// Expanded bytes so far, and how many there may be.
    private(set) var expanded = 0
    private let mostBytes: Int

    /// - Parameter mostBytes: an archive that becomes larger is refused.
    init(_ path: String, mostBytes: Int) throws(Fault) {
        self.path = path
        self.mostBytes = mostBytes
        file = try Descriptor(path, O_RDONLY)
        size = try file.size
        input = .allocate(byteCount: Self.pieceBytes, alignment: 64)
        output = .allocate(byteCount: Self.pieceBytes, alignment: 64)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        hasher = Digest.Hasher()
        let count = (try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: input[..<512]), at: 0)) ?? 0
        isGzip = count >= 2 && input[0] == 0x1F && input[1] == 0x8B
        let objection = ExpectedContent.archive.objection(to: input[..<count])
        // From here on `deinit` frees everything, whatever is thrown.
        guard zoetrope_gzip_inflate_init(stream) == Z_OK else {
            throw Fault(.internal, path, "zlib has no memory to expand it")
        }
        if let objection { throw Fault(.data, path, objection) }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
        output.deallocate()
    }

    /// The next bytes, valid until the next call; empty at the end.
    /// - Throws: a data `Fault` for a file that is cut, damaged, or larger inside than allowed.
    func next() throws(Fault) -> UnsafeRawBufferPointer {
        let bytes = isGzip ? try inflateNext() : try readInput()
        expanded += bytes.count
        guard expanded <= mostBytes else { throw Fault(.data, path, "holds more than \(mostBytes) bytes") }
        return bytes
    }

    /// Reads what is left and compares the checksums.
    /// - Returns: the SHA-256 of the file as it lies on the disk.
    func finish() throws(Fault) -> Digest {
        while try !next().isEmpty {}
        guard let digest = hasher.take()?.finish() else { throw Fault(.internal, path, "was finished twice") }
        return digest
    }

    private func readInput() throws(Fault) -> UnsafeRawBufferPointer {
        let count = try file.read(into: input, at: position)
        position += count
        let bytes = UnsafeRawBufferPointer(rebasing: input[..<count])
        hasher?.update(bytes)
        return bytes
    }

    private func inflateNext() throws(Fault) -> UnsafeRawBufferPointer {
        while true {
            if stream.pointee.avail_in == 0 {
                let bytes = try readInput()
                if bytes.isEmpty {
                    guard !isInMember, members > 0 else {
                        throw Fault(.data, path, "is cut: its gzip stream goes on after its \(size) bytes")
                    }
                    return UnsafeRawBufferPointer(start: nil, count: 0)
                }
                stream.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_in = uInt(bytes.count)
            }
            if !isInMember, try !beginMember() { continue }
            let bytes = try inflatePiece()
            if !bytes.isEmpty { return bytes }
        }
    }

    /// Another member may follow the first, and zeros may pad the last.
    private func beginMember() throws(Fault) -> Bool {
        guard members > 0 else {
            isInMember = true
            return true
        }
        while stream.pointee.avail_in > 0, stream.pointee.next_in?.pointee == 0 {
            stream.pointee.next_in? += 1
            stream.pointee.avail_in -= 1
        }
        guard stream.pointee.avail_in > 0 else { return false }
        guard inflateReset(stream) == Z_OK else { throw Fault(.internal, path, "zlib cannot go on") }
        isInMember = true
        return true
    }

    private func inflatePiece() throws(Fault) -> UnsafeRawBufferPointer {
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = uInt(output.count)
        let status = inflate(stream, Z_NO_FLUSH)
        let count = output.count - Int(stream.pointee.avail_out)
        switch status {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            members += 1
            isInMember = false
        default:
            let words = stream.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
            throw Fault(.data, path, "is damaged: gzip says '\(words)' before byte \(position)")
        }
        return UnsafeRawBufferPointer(rebasing: output[..<count])
    }
}
