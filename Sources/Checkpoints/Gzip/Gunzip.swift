import CZlib
import Faults

/// Expands gzip files, in steps and within bounds. The owner of zlib's stream.
enum Gunzip {
    /// Weights hardly shrink; a file that grows more than this is made of zeros, or made to fill the memory.
    static let growth = 32
    /// So that small files of zeros can be read.
    static let allowance = 16 << 20
    private static let step = 1 << 20

    static func recognises(_ source: CheckpointBytes) -> Bool { source.starts(with: [0x1F, 0x8B, 8]) }

    /// The most bytes that a file of `count` may become.
    static func bound(_ count: Int) -> Int { growth * count + allowance }

    /// Expands all members of the file.
    ///
    /// - Parameter accept: sees the first bytes, up to a step of them, and throws when they are no checkpoint's.
    /// - Throws: a data `Fault` for a damaged or cut file, and for one that grows beyond the bound.
    static func expand(
        _ source: CheckpointBytes, accept: (CheckpointBytes) throws(Fault) -> Void
    ) throws(Fault) -> CheckpointBytes {
        var out: [UInt8] = []
        var consumed = 0
        while consumed < source.count {
            // Padding of zeros may follow the last member.
            if consumed > 0, source.bytes[consumed...].allSatisfy({ $0 == 0 }) { break }
            let inflater = try Inflater(source)
            var isFirstStep = out.isEmpty
            while true {
                let (bytes, state) = try inflater.next(from: consumed, Self.step)
                guard bytes.count <= bound(source.count) - out.count else {
                    throw source.fault(
                        at: consumed, "gzip's content is more than \(bound(source.count)) bytes",
                        mend: "if that is right, expand it with gunzip first")
                }
                out += bytes
                consumed = state.consumed
                if isFirstStep {
                    try accept(CheckpointBytes(path: source.path, bytes: bytes, isExpanded: true))
                    isFirstStep = false
                }
                if state.isEnd { break }
            }
        }
        return CheckpointBytes(path: source.path, bytes: out, isExpanded: true)
    }
}

/// One member of a gzip file being expanded.
private struct Inflater: ~Copyable {
    private let source: CheckpointBytes
    private let stream: UnsafeMutablePointer<z_stream>

    init(_ source: CheckpointBytes) throws(Fault) {
        self.source = source
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // All properties are set, so `deinit` frees the stream; zlib knows one that was never begun.
        guard zoetrope_gzip_inflate_init(stream) == Z_OK else {
            throw Fault(.internal, source.path, "zlib has no memory to expand it")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Up to `limit` more bytes, how far the file was read for them, and whether the member ended there.
    func next(
        from position: Int, _ limit: Int
    ) throws(Fault) -> (bytes: [UInt8], state: (consumed: Int, isEnd: Bool)) {
        // zlib counts in 32 bits.
        let given = min(source.count - position, 1 << 30)
        var status = Z_OK
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            source.bytes.withUnsafeBufferPointer { input in
                // zlib does not write to its input, whatever its type says.
                stream.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + position) }
                stream.pointee.avail_in = uInt(given)
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = uInt(limit)
                status = inflate(stream, Z_NO_FLUSH)
                count = limit - Int(stream.pointee.avail_out)
            }
        }
        let consumed = position + given - Int(stream.pointee.avail_in)
        switch status {
        case Z_STREAM_END: return (bytes, (consumed, true))
        case Z_OK where !bytes.isEmpty || consumed > position: return (bytes, (consumed, false))
        case Z_OK, Z_BUF_ERROR: throw source.damaged(consumed, "gzip's content is cut")
        default:
            let words = stream.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
            throw source.damaged(consumed, "gzip's content is damaged (\(words))")
        }
    }
}
