import Glibc
import Randomness
import Testing

@Suite struct RandomnessTests {
    /// Known answers published with Random123 (kat_vectors, philox4x32 10 rounds).
    @Test func philoxGivesThePublishedWords() {
        #expect(
            Philox(seed: 0).words(at: SIMD4(0, 0, 0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            Philox(seed: .max).words(at: SIMD4(ones, ones, ones, ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1000, 4097]) func everyIndexIsHitOnce(count: Int) {
        for epoch in 0..<3 {
            let permutation = KeyedPermutation(count: count, seed: 9, epoch: UInt64(epoch))
            #expect(Set((0..<count).map { permutation($0) }) == Set(0..<count))
        }
    }

    @Test func epochsAreOrderedDifferently() {
        let orders = (0..<4).map { epoch in
            (0..<100).map { KeyedPermutation(count: 100, seed: 1, epoch: UInt64(epoch))($0) }
        }
        #expect(Set(orders).count == 4)
        for order in orders { #expect(order.indices.count { order[$0] == $0 } < 10) }
    }

    @Test func quantilesMatchTables() {
        // Φ(1.959963984540054) = 0.975, Φ(-6.361340902404) = 1e-10: from tables, to the digits given.
        #expect(abs(inverseNormal(0.975) - 1.959963984540054) < 1e-14)
        #expect(abs(inverseNormal(1e-10) + 6.361340902404056) < 1e-12)
        #expect(inverseNormal(0.5) == 0)
        #expect(abs(naturalLogarithm(10) - 2.302585092994046) < 1e-15)
        #expect(abs(naturalLogarithm(0x1p-53) + 36.7368005696771) < 1e-12)
    }

    @Test func normalDrawsHaveMeanZeroAndVarianceOne() {
        let draws = Draws(seed: 5, place: 3, purpose: .initialWeights)
        let values = (0..<20_000).map { draws.normal($0) }
        let mean = values.reduce(0, +) / 20_000
        let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 20_000
        // Five standard errors: 1/sqrt(20000) = 0.007 for the mean, 0.01 for the variance.
        #expect(abs(mean) < 0.036)
        #expect(abs(variance - 1) < 0.05)
    }
}

@Suite struct BetaTests {
    @Test func theExponentialAgreesWithTheLibrary() {
        for i in 0..<2000 {
            let x = -Double(i) * 0.34
            #expect(abs(naturalExponential(x) - exp(x)) <= 4e-16 * exp(x), "exp(\(x))")
        }
        #expect(naturalExponential(0) == 1 && naturalExponential(-800) == 0)
    }

    /// Mean ½ and variance 1 / (4 (2α + 1)), over 4000 draws: the mean's deviation is below 0.008, the variance's below 0.003.
    @Test(arguments: [0.01, 0.2, 0.8, 1.0, 3.0, 50.0]) func itsMomentsAreThoseOfTheDistribution(alpha: Double) {
        let values = (0..<4000).map { Draws(seed: 9, place: UInt64($0), purpose: .mix).beta(alpha, from: 8) }
        #expect(values.allSatisfy { $0 >= 0 && $0 <= 1 })
        let mean = values.reduce(0, +) / 4000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
        #expect(abs(mean - 0.5) < 0.03, "\(mean)")
        #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.012, "\(variance)")
    }
}
