/// A permutation of 0..<`count` that is a pure function of (seed, epoch): position-addressable, nothing stored.
///
/// A Feistel network of eight rounds over the smallest even number of bits that holds `count`, with Philox as its round
/// function; values outside are walked along their cycle until they fall inside (Black and Rogaway, "Ciphers with
/// Arbitrary Finite Domains", CT-RSA 2002).
public struct KeyedPermutation: Sendable {
    public let count: Int
    private let philox: Philox
    private let epoch: UInt64
    private let halfBits: UInt64

    /// `count` is 1 or more.
    public init(count: Int, seed: UInt64, epoch: UInt64) {
        precondition(count > 0, "a permutation of \(count) elements")
        self.count = count
        self.epoch = epoch
        philox = Philox(seed: seed)
        let bits = UInt64(Int.bitWidth - (count - 1).leadingZeroBitCount)
        halfBits = max(1, (bits + 1) / 2)
    }

    /// Where `index` in 0..<count goes.
    public func callAsFunction(_ index: Int) -> Int {
        precondition((0..<count).contains(index), "index \(index) of a permutation of \(count)")
        var value = UInt64(index)
        repeat { value = feistel(value) } while value >= UInt64(count)
        return Int(value)
    }

    private func feistel(_ value: UInt64) -> UInt64 {
        let mask = (UInt64(1) << halfBits) - 1
        var left = value >> halfBits
        var right = value & mask
        for round in 0..<UInt32(8) {
            let words = philox.words(
                at: SIMD4(
                    UInt32(truncatingIfNeeded: right), Purpose.order.rawValue << 24 | round,
                    UInt32(truncatingIfNeeded: epoch), UInt32(truncatingIfNeeded: epoch >> 32)))
            (left, right) = (right, (left ^ UInt64(words[0])) & mask)
        }
        return left << halfBits | right
    }
}
