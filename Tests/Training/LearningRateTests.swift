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
        let rate = LearningRate(highest: 0.5, kind: .cosine(), steps: 1000, stepsPerEpoch: 10)
        #expect(rate(0) == 0.5)
        #expect(abs(rate(250) - 0.5 * 0.5 * (1 + 0.70710678)) < 1e-6)
        #expect(abs(rate(500) - 0.25) < 1e-7)
        #expect(abs(rate(750) - 0.5 * 0.5 * (1 - 0.70710678)) < 1e-6)
        #expect(rate(999) > 0 && rate(999) < 1e-5)
        for step in 1..<1000 { #expect(rate(step) < rate(step - 1)) }
    }

    /// PySlowFast's 8x8 recipe and X3D's: the values of its `lr_policy`, the one of epoch 150 also in a published log.
    @Test func warmUpToACosineIsPySlowFasts() {
        func rate(_ epochs: Int, _ warmup: Double) -> LearningRate {
            LearningRate(
                highest: 0.1, kind: .cosine(), steps: epochs * 100, stepsPerEpoch: 100, warmupEpochs: warmup,
                warmupFrom: 0.1, warmup: .linear)
        }
        let wanted: [(Int, Float)] = [
            (0, 0.01), (1, 0.012434), (10, 0.03434), (34, 0.092757), (98, 0.05), (150, 0.012986), (190, 0.000231),
        ]
        for (epoch, value) in wanted { #expect(abs(rate(196, 34)(epoch * 100) - value) < 6e-7, "epoch \(epoch)") }
        #expect(abs(rate(300, 35)(3500) - 0.096679) < 6e-7)
    }

    /// PySlowFast's stepwise recipe: steps 0, 94, 154, 196 of 239 epochs.
    @Test func relativeStepsAreFactorsOfTheHighest() {
        let rate = LearningRate(
            highest: 0.1, kind: .relativeSteps(milestones: [0, 94, 154, 196], factors: [1, 0.1, 0.01, 0.001]),
            steps: 2390, stepsPerEpoch: 10, warmupEpochs: 34, warmupFrom: 0.1, warmup: .linear)
        #expect(rate(0) == 0.01 && rate(340) == 0.1 && rate(939) == 0.1)
        #expect(abs(rate(940) - 0.01) < 1e-9 && abs(rate(1540) - 0.001) < 1e-9 && abs(rate(2389) - 1e-4) < 1e-10)
        #expect(abs(rate(170) - 0.055) < 1e-8)
    }

    @Test func warmUpRisesLinearly() {
        let rate = LearningRate(
            highest: 1, kind: .constant, steps: 100, stepsPerEpoch: 4, warmupEpochs: 5, warmupFrom: 0.2)
        #expect(rate(0) == 0.2)
        #expect(abs(rate(10) - 0.6) < 1e-6)
        #expect(rate(20) == 1)
    }
}
