import Kernels
import MicroKernelsAVX512BF16
import MicroKernelsAVX512BF16Emulated
import Testing

/// bfloat16 by definition, one number at a time, for what the micro-kernels do to vectors.
enum BF16 {
    /// f32 to the nearest bfloat16, ties to the one whose last bit is 0. Between two neighbours the numbers of f32 lie evenly,
    /// so how far each is off shows in the bits that are dropped.
    static func rounded(_ value: Float) -> Float {
        guard value.isFinite else { return value }
        let toZero = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
        let away = Float(bitPattern: toZero.bitPattern + 0x1_0000)
        let (near, far) = (value.bitPattern & 0xFFFF, 0x1_0000 - value.bitPattern & 0xFFFF)
        if near != far { return near < far ? toZero : away }
        return toZero.bitPattern & 0x1_0000 == 0 ? toZero : away
    }

    /// The two elements of a pair.
    static func elements(_ pair: Float) -> (even: Float, odd: Float) {
        (Float(bitPattern: pair.bitPattern << 16), Float(bitPattern: pair.bitPattern & 0xFFFF_0000))
    }

    static func pair(even: UInt16, odd: UInt16) -> Float { Float(bitPattern: UInt32(odd) << 16 | UInt32(even)) }

    /// `c + a * b` rounded once to f32, nearest even, denormals taken and given as zeros: without the fused instruction.
    ///
    /// The product of two bfloat16 is exact in f64. The sum is taken with its error (Knuth's two-sum), and the error put
    /// into the last bit (rounding to odd), which is far below f32's: so the second rounding is that of the exact sum.
    static func fused(_ a: Float, _ b: Float, _ c: Float) -> Float {
        func flushed(_ x: Float) -> Float { x.isSubnormal ? (x.sign == .minus ? -0.0 : 0) : x }
        let product = Double(flushed(a)) * Double(flushed(b))
        let c = Double(flushed(c))
        let sum = product + c
        guard sum.isFinite, sum != 0 else { return Float(sum) }
        let part = sum - product
        let error = (product - (sum - part)) + (c - part)
        var odd = sum
        if error != 0, sum.bitPattern & 1 == 0 { odd = (error > 0) == (sum > 0) ? sum : sum.magnitudeDown }
        if error != 0 { odd = Double(bitPattern: odd.bitPattern | 1) }
        // Whether it is too small shows after rounding as if exponents had no end.
        let small = abs(Float(odd * 0x1p100)) < Float.leastNormalMagnitude * 0x1p100
        return small ? (sum < 0 ? -0.0 : 0) : Float(odd)
    }

    /// One lane of `vdpbf16ps`: the odd elements first.
    static func product(_ c: Float, _ a: Float, _ b: Float) -> Float {
        let (a, b) = (elements(a), elements(b))
        return fused(a.even, b.even, fused(a.odd, b.odd, c))
    }
}

extension Double {
    /// The neighbour towards zero.
    fileprivate var magnitudeDown: Double { Double(bitPattern: bitPattern - 1) }
}

@Suite(.enabled(if: InstructionSet.avx512.isSupported, "the emulation takes AVX-512"))
struct BF16ArithmeticTests {
    private static let special: [UInt16] = [
        0x0000, 0x8000, 0x0001, 0x807F, 0x0080, 0x8080, 0x3F80, 0xBF80, 0x3F81, 0x4049, 0x0100, 0x2000, 0x5F80, 0x7F7F,
        0xFF7F, 0x7F80, 0xFF80, 0x7FC0,
    ]

    private func bits(_ seed: Int, _ i: Int) -> UInt32 {
        noise(seed, i).bitPattern &* 0x9E37_79B1 ^ noise(seed + 1, i).bitPattern
    }

    /// Both tables on machines that have the instruction, the emulation elsewhere.
    private typealias AddProducts =
        (Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    private var implementations: [(name: String, run: AddProducts)] {
        [("emulated", { MicroKernelsAVX512BF16Emulated.addPairProducts(count: $0, a: $1, b: $2, c: $3) })]
            + (InstructionSet.avx512BF16.isSupported
                ? [("vdpbf16ps", { MicroKernelsAVX512BF16.addPairProducts(count: $0, a: $1, b: $2, c: $3) })] : [])
    }

    /// The operands of a lane each.
    private func check(_ c: [Float], _ a: [Float], _ b: [Float]) {
        let vectors = (c.count + 15) / 16
        func tensor(_ values: [Float]) -> Tensor<Float> { Tensor(16 * vectors) { $0 < values.count ? values[$0] : 0 } }
        for (name, run) in implementations {
            let (a, b, sums) = (tensor(a), tensor(b), tensor(c))
            // The pool flushes denormals on the thread, as wherever we compute.
            ThreadPool(threads: 1).run(1) { _ in run(vectors, a.pointer, b.pointer, sums.pointer) }
            var wrong = 0
            for i in c.indices {
                let truth = BF16.product(c[i], a[i], b[i])
                if sums[i].bitPattern == truth.bitPattern || (sums[i].isNaN && truth.isNaN) { continue }
                wrong += 1
                if wrong > 5 { break }
                Issue.record(
                    "\(name): \(c[i]) + \(BF16.elements(a[i])) * \(BF16.elements(b[i])): \(sums[i]), not \(truth)")
            }
        }
    }

    @Test func pairsOfSpecialValuesMultiplyAsTheInstructionIsDefined() {
        let sums: [Float] = [
            0, -0.0, 1, -1, .leastNormalMagnitude, -.leastNormalMagnitude, .leastNonzeroMagnitude,
            Float(bitPattern: 0x1_16C2), 3.4e38,
            -3.4e38, .infinity, -.infinity, .nan, 0x1.fffffep0,
        ]
        var (c, a, b): ([Float], [Float], [Float]) = ([], [], [])
        for sum in sums {
            for x in Self.special {
                for y in Self.special {
                    // Both places, beside a pair that adds nothing and beside one that does.
                    for (even, odd) in [(x, UInt16(0)), (0, x), (x, 0x3F80), (0x3F80, x)] {
                        c.append(sum)
                        a.append(BF16.pair(even: even, odd: odd))
                        b.append(BF16.pair(even: even == x ? y : 0x3F81, odd: odd == x ? y : 0x3F81))
                    }
                }
            }
        }
        check(c, a, b)
    }

    @Test func pairsOfAnyBitsMultiplyAsTheInstructionIsDefined() {
        let count = 200_000
        check(
            (0..<count).map { Float(bitPattern: bits(3, $0)) }, (0..<count).map { Float(bitPattern: bits(5, $0)) },
            (0..<count).map { Float(bitPattern: bits(7, $0)) })
    }

    /// Exponents near each other, where roundings and cancellations are; and near the smallest normal numbers.
    @Test func pairsOfLikeSizesMultiplyAsTheInstructionIsDefined() {
        let count = 200_000
        for (exponent, spread) in [(127, 12), (64, 3), (63, 2)] {
            func value(_ seed: Int, _ i: Int, _ exponent: Int) -> UInt32 {
                let bits = bits(seed, i)
                let biased = UInt32(exponent + Int(bits >> 8) % spread)
                return bits & 0x807F_FFFF | biased << 23
            }
            func pair(_ seed: Int, _ i: Int) -> Float {
                BF16.pair(
                    even: UInt16(value(seed, i, exponent) >> 16), odd: UInt16(value(seed + 20, i, exponent) >> 16))
            }
            check(
                (0..<count).map { Float(bitPattern: value(3, $0, max(2 * exponent - 127, 1))) },
                (0..<count).map { pair(50, $0) }, (0..<count).map { pair(90, $0) })
        }
    }

    @Test func valuesAreRoundedToTheNearest() {
        var values = Self.special.flatMap { upper in
            [0x0000, 0x0001, 0x7FFF, 0x8000, 0x8001, 0xFFFF].map { Float(bitPattern: UInt32(upper) << 16 | $0) }
        }
        // Every bfloat16 with a tie behind it; and any bits.
        values += (0..<0x1_0000).map { Float(bitPattern: UInt32($0) << 16 | 0x8000) }
        values += (0..<100_000).map { Float(bitPattern: bits(11, $0)) }
        values += [Float](repeating: 0, count: 16 - values.count % 16)
        let from = Tensor<Float>(values.count) { values[$0] }
        let (rows, pixels) = (Tensor<Float>(values.count), Tensor<Float>(values.count / 2))
        ThreadPool(threads: 1).run(1) { _ in
            MicroKernelsAVX512BF16Emulated.pairRows(
                count: values.count, low: from.pointer, high: from.pointer, factor: nil, offset: nil, to: rows.pointer)
            MicroKernelsAVX512BF16Emulated.roundPixels(
                pixels: values.count / 16, channels: 16, from: from.pointer, step: 16, factor: nil, offset: nil,
                to: pixels.pointer)
        }
        #expect(rows.isIntact && pixels.isIntact)
        var wrong = 0
        for (i, value) in values.enumerated() where wrong < 5 {
            let truth = BF16.rounded(value)
            let pair = BF16.elements(pixels[i / 2])
            for ours in [BF16.elements(rows[i]).even, BF16.elements(rows[i]).odd, i % 2 == 0 ? pair.even : pair.odd] {
                if ours.bitPattern == truth.bitPattern || (ours.isNaN && truth.isNaN) { continue }
                wrong += 1
                Issue.record("\(value) (\(value.bitPattern)): \(ours), not \(truth)")
            }
        }
    }
}
