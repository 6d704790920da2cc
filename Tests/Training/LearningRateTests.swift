import Testing
import Training

@Suite struct LearningRateTests {
    @Test func stepsFallByGamma() {
        let rate = LearningRate(
            highest: 0.08, kind: .steps(every: 10, gamma: 0.1), steps: 4500, stepsPerEpoch: 100)
        #expect(rate(0) == 0.08)
        #expect(rate(999) == 0.08)
        #expect(abs(rate(1000) - 0.008) < 1e-9)
        #expect(abs(rate(4499) - 0.08e-4) < 1e-11)
    }

    @Test func theCosineFallsFromHighestToNothing() {
        let rate = LearningRate(highest: 0.5, kind: .cosine, steps: 1000, stepsPerEpoch: 10)
        #expect(rate(0) == 0.5)
        #expect(abs(rate(250) - 0.5 * 0.5 * (1 + 0.70710678)) < 1e-6)
        #expect(abs(rate(500) - 0.25) < 1e-7)
        #expect(abs(rate(750) - 0.5 * 0.5 * (1 - 0.70710678)) < 1e-6)
        #expect(rate(999) > 0 && rate(999) < 1e-5)
        for step in 1..<1000 { #expect(rate(step) < rate(step - 1)) }
    }

    @Test func warmUpRisesLinearly() {
        let rate = LearningRate(
            highest: 1, kind: .constant, steps: 100, stepsPerEpoch: 4, warmupEpochs: 5, warmupFrom: 0.2)
        #expect(rate(0) == 0.2)
        #expect(abs(rate(10) - 0.6) < 1e-6)
        #expect(rate(20) == 1)
    }
}
