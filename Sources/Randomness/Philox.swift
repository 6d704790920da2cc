/// Philox4x32-10, a counter-based generator: the same key and counter give the same four words on every machine.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
public struct Philox: Sendable {
    private let key: SIMD2<UInt32>

    public init(seed: UInt64) { key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)) }

    /// The four words at `counter`.
    public func words(at counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let p0 = UInt64(c[0]) * 0xD251_1F53
            let p1 = UInt64(c[2]) * 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p0))
            k = SIMD2(k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85)
        }
        return c
    }
}

/// What a random number is for. The raw values are part of the numerics contract: never renumber them.
public enum Purpose: UInt32, Sendable, CaseIterable {
    case initialWeights = 1
    case order = 2
    case startFrame = 3
    case scale = 4
    case crop = 5
    case flip = 6
    case dropout = 7
    case synthesis = 8
    case simulation = 9
    case substitute = 10
    case verification = 11
    case mix = 12
    case resizedCrop = 13
    case colour = 14
    case randomAugment = 15
    case erasing = 16
    case erasingNoise = 17
    case samplingRate = 18
}

/// Random numbers of one purpose at one place: draw `i` is a pure function of (seed, place, purpose, i).
///
/// `place` is a position in the stream of clips, a parameter's number, a shape's number: whatever the purpose counts.
public struct Draws: Sendable {
    private let philox: Philox
    private let place: UInt64
    private let purpose: Purpose

    public init(seed: UInt64, place: UInt64, purpose: Purpose) {
        philox = Philox(seed: seed)
        self.place = place
        self.purpose = purpose
    }

    /// 32 random bits.
    public func word(_ i: Int) -> UInt32 { words(block: i / 4)[i % 4] }

    /// Four words: draws 4·`block` to 4·`block` + 3. The purpose has 8 bits of the counter and the block 56.
    public func words(block: Int) -> SIMD4<UInt32> {
        let block = UInt64(block)
        return philox.words(
            at: SIMD4(
                UInt32(truncatingIfNeeded: block), purpose.rawValue << 24 | UInt32(truncatingIfNeeded: block >> 32),
                UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32)))
    }

    /// Uniform in [0, 1), a multiple of 2^-24, exact in f32.
    public func uniform(_ i: Int) -> Float { Float(word(i) >> 8) * 0x1p-24 }

    /// Uniform in 0..<`bound` (`bound` in 1...2^31) by multiplication; the bias is below `bound`/2^32.
    public func integer(_ i: Int, below bound: Int) -> Int {
        Int((UInt64(word(i)) &* UInt64(bound)) >> 32)
    }

    /// Standard normal, from draws 2`i` and 2`i` + 1 (53 bits) by inversion: no libm, so no dependence on the machine.
    public func normal(_ i: Int) -> Double {
        let bits = UInt64(word(2 * i)) << 32 | UInt64(word(2 * i + 1))
        return inverseNormal((Double(bits >> 11) + 0.5) * 0x1p-53)
    }
}
