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
///
/// What was needed once (after a fault, for example) and since then by nobody goes back to the system, if whoever has rounds of
/// alike needs says when one is over: a worker does of its steps.
public final class PayloadPool: Sendable {
    /// Blocks of one size.
    private struct Shelf {
        /// The last one is taken first.
        private var free: [UnsafeMutableRawPointer] = []
        /// The fewest that lay here at once since some were last dropped: so many of them, the first, nobody has needed.
        private var unneeded = 0

        mutating func take() -> UnsafeMutableRawPointer? {
            let block = free.popLast()
            unneeded = min(unneeded, free.count)
            return block
        }

        mutating func put(_ block: UnsafeMutableRawPointer) { free.append(block) }

        /// Gives what nobody has needed to the system.
        /// - Returns: How many blocks that were.
        mutating func dropUnneeded() -> Int {
            let count = unneeded
            for block in free[..<count] { block.deallocate() }
            free.removeFirst(count)
            unneeded = free.count
            return count
        }

        func dropAll() { for block in free { block.deallocate() } }
    }

    private struct Shelves: @unchecked Sendable {  // owns its blocks, and lives behind the mutex
        /// By the size of their blocks.
        private var shelves: [Int: Shelf] = [:]
        private(set) var allocated = 0
        private var rounds = 0

        mutating func take(_ capacity: Int) -> UnsafeMutableRawPointer {
            if let block = shelves[capacity]?.take() { return block }
            allocated += capacity
            return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        }

        mutating func put(_ block: UnsafeMutableRawPointer, _ capacity: Int) {
            shelves[capacity, default: Shelf()].put(block)
        }

        mutating func endRound() {
            rounds += 1
            guard rounds == PayloadPool.roundsKept else { return }
            rounds = 0
            for capacity in Array(shelves.keys) {
                let dropped = shelves[capacity]?.dropUnneeded() ?? 0
                allocated -= dropped * capacity
            }
        }

        func dropAll() { for shelf in shelves.values { shelf.dropAll() } }
    }

    /// More than lie between two checkpoints, mostly, so that each finds what the one before needed.
    private static let roundsKept = 256

    private let shelves = Mutex(Shelves())

    public init() {}

    deinit { shelves.withLock { $0.dropAll() } }

    /// Bytes ever allocated and still held, in use or not.
    public var allocatedBytes: Int { shelves.withLock { $0.allocated } }

    /// A round of alike needs is over, a step. What nobody has needed for 256 to 511 of them goes back to the system.
    public func endRound() { shelves.withLock { $0.endRound() } }

    /// An uninitialised payload of `count` bytes, aligned to 64.
    public func payload(count: Int) -> Payload {
        let capacity = Self.capacity(for: count)
        let block = shelves.withLock { $0.take(capacity) }
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
        shelves.withLock { $0.put(block, capacity) }
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
