public import Faults
internal import Synchronization

/// A reference-counted run of bytes: tensor data on its way between a machine, a socket and a kernel.
///
/// Written once by whoever made it, then only read: everybody who holds it may read it from any thread. Memory that
/// `PayloadPool` hands out is aligned to 64 bytes; memory that a received message owns may not be aligned at all, so
/// readers use unaligned loads.
public final class Payload: @unchecked Sendable {  // written before it is shared, never after
    /// The first byte. Valid as long as the payload lives.
    public let bytes: UnsafeMutableRawBufferPointer
    private let release: @Sendable (UnsafeMutableRawBufferPointer) -> Void

    /// Adopts `bytes` and gives them back through `release` when the last reference goes, from whatever thread that is.
    public init(
        adopting bytes: UnsafeMutableRawBufferPointer,
        release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.bytes = bytes
        self.release = release
    }

    deinit { release(bytes) }

    /// The bytes for reading, and the certainty that they stay while `body` runs: of an object that is not used any more
    /// the compiler may let go while a pointer into it is.
    public func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(bytes))
    }

    /// How many bytes.
    public var count: Int { bytes.count }

    /// A 64-bit digest of the bytes, the same on every machine: what duplicates are compared by. Not cryptographic.
    public func checksum() -> UInt64 {
        withExtendedLifetime(self) { PayloadDigest.digest(UnsafeRawBufferPointer(bytes)) }
    }

    /// The elements as a Swift array, for tests and small payloads. Reads unaligned.
    public func array<Element: BitwiseCopyable>(of _: Element.Type) -> [Element] {
        let stride = MemoryLayout<Element>.stride
        return withExtendedLifetime(self) {
            (0..<count / stride).map { bytes.loadUnaligned(fromByteOffset: $0 * stride, as: Element.self) }
        }
    }
}

/// Memory for payloads, kept for the next one of its size: a step allocates nothing once the first has run.
public final class PayloadPool: Sendable {
    private struct Shelf: @unchecked Sendable {  // owns its blocks, and lives behind the mutex
        var free: [Int: [UnsafeMutableRawPointer]] = [:]
        var allocated = 0
    }

    private let shelf = Mutex(Shelf())

    public init() {}

    deinit {
        shelf.withLock { for blocks in $0.free.values { for block in blocks { block.deallocate() } } }
    }

    /// Bytes ever allocated and still held, in use or not.
    public var allocatedBytes: Int { shelf.withLock { $0.allocated } }

    /// An uninitialised payload of `count` bytes, aligned to 64.
    public func payload(count: Int) -> Payload {
        let capacity = Self.capacity(for: count)
        let block = shelf.withLock { shelf in
            if let block = shelf.free[capacity]?.popLast() { return block }
            shelf.allocated += capacity
            return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        }
        return Payload(adopting: UnsafeMutableRawBufferPointer(start: block, count: count)) { [self] bytes in
            guard let block = bytes.baseAddress else { return }
            give(back: block, capacity: capacity)
        }
    }

    /// A payload that holds a copy of `elements`.
    public func payload<Element: BitwiseCopyable>(copying elements: [Element]) -> Payload {
        elements.withUnsafeBytes { payload(copying: $0) }
    }

    /// A payload that holds a copy of `source`.
    public func payload(copying source: UnsafeRawBufferPointer) -> Payload {
        let copy = payload(count: source.count)
        copy.bytes.copyMemory(from: source)
        return copy
    }

    private func give(back block: UnsafeMutableRawPointer, capacity: Int) {
        shelf.withLock { $0.free[capacity, default: []].append(block) }
    }

    /// Sizes up to a page share a block size by powers of two, larger ones by pages: little waste, much reuse.
    private static func capacity(for count: Int) -> Int {
        let page = 4096
        if count > page { return (count + page - 1) / page * page }
        var capacity = 64
        while capacity < count { capacity *= 2 }
        return capacity
    }
}

/// The digest of payloads: eight lanes of 64 bits, each `lane = (lane ^ word) * odd`, folded at the end.
///
/// Eight independent chains keep it near the speed of memory without leaving the baseline instruction set.
enum PayloadDigest {
    private static let prime: UInt64 = 0x9E37_79B9_7F4A_7C15

    static func digest(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var lanes = SIMD8<UInt64>(1, 2, 3, 4, 5, 6, 7, 8) &* prime
        let odd = SIMD8<UInt64>(repeating: 0xD6E8_FEB8_6659_FD93)
        let whole = bytes.count & ~63
        var offset = 0
        while offset < whole {
            lanes = (lanes ^ bytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)) &* odd
            lanes ^= lanes &>> 29
            offset += 64
        }
        var folded = UInt64(bytes.count) &* prime
        for lane in 0..<8 { folded = mix(folded ^ lanes[lane]) }
        for i in whole..<bytes.count { folded = mix(folded ^ UInt64(bytes[i])) }
        return folded
    }

    /// Combines digests in order, for a digest of digests.
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value ^= value >> 32
        value &*= 0xD6E8_FEB8_6659_FD93
        value ^= value >> 32
        value &*= 0xD6E8_FEB8_6659_FD93
        return value ^ (value >> 32)
    }
}

/// One digest for a list of digests; the order counts.
public func combinedDigest(_ digests: some Sequence<UInt64>) -> UInt64 {
    var folded: UInt64 = 0x5A4F_4554_524F_5045
    for digest in digests { folded = PayloadDigest.mix(folded &* 3 ^ digest) }
    return folded
}
