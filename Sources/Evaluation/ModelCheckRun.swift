import Faults
import Kernels
import Models
import Training

/// Runs a network on a reference's clips and collects what is to be compared, by the reference's tensor names.
struct ModelCheckRun {
    typealias Results = [ModelCheck.Group: [String: [Double]]]

    let reference: ModelReference
    let pool: ThreadPool
    let instructionSet: InstructionSet
    let implementation: Convolution.Choice

    private var network: NetworkDescription { reference.network }

    /// With running statistics: logits as evaluation computes them, gradients with batch norm frozen.
    func frozen(into results: inout Results) throws(Fault) {
        let inference = try InferencePass(
            network, N: reference.N, pool: pool, instructionSet: instructionSet, implementation: implementation)
        let pass = try TrainingPass(
            network, N: reference.N, pool: pool, instructionSet: instructionSet, implementation: implementation,
            normalisation: .running, loss: reference.loss)
        for index in network.parameters.indices {
            let weights = try reference.weights(index)
            inference.setParameter(index, weights)
            pass.setParameter(index, weights)
        }
        for index in network.statistics.indices {
            let (mean, variance) = try reference.statistics(index)
            inference.setStatistics(index, mean: mean, variance: variance)
            pass.setStatistics(index, mean: mean, variance: variance)
        }
        try reference.fill(inference.input)
        try reference.fill(pass.input)
        results[.evalLogits] = ["eval/logits": output(inference.run())]
        var gradients: [String: [Double]] = [:]
        _ = pass.run(labels: reference.labels) { parameter, gradient in
            gradients["eval/gradient/\(network.parameters[parameter].name)"] = gradient.map(Double.init)
        }
        results[.evalGradient] = gradients
    }

    /// With the clips' own statistics: the first step's results, and the losses of all of them.
    func training(into results: inout Results) throws(Fault) {
        let pass = try TrainingPass(
            network, N: reference.N, pool: pool, instructionSet: instructionSet, implementation: implementation,
            loss: reference.loss)
        try reference.fill(pass.input)
        let settings = SGDSettings(momentum: 0.9, nesterov: true, convention: .rateOutside)
        let trainer = try LocalTrainer(
            pass, settings: settings, weightDecay: reference.weightDecay, rate: reference.rate, pool: pool
        ) { index throws(Fault) in try reference.weights(index) }
        var losses: [Double] = []
        for step in 0..<reference.steps {
            var gradients: [String: [Double]] = [:]
            let result = trainer.step(labels: reference.labels) { parameter, gradient in
                guard step == 0 else { return }
                gradients["train/gradient/\(network.parameters[parameter].name)"] = gradient.map(Double.init)
            }
            losses.append(result.loss)
            if step == 0 {
                results[.trainLogits] = ["train/logits": pass.logits.map(Double.init)]
                results[.trainGradient] = gradients
                results[.trainRunning] = try running(after: pass)
            }
        }
        results[.sgdLoss] = ["sgd/loss": losses]
    }

    /// What the reference's network makes of its last layer.
    private func output(_ logits: UnsafeBufferPointer<Float>) -> [Double] {
        guard reference.loss == .ofScores, let first = logits.baseAddress else { return logits.map(Double.init) }
        var scores = [Double](repeating: 0, count: logits.count)
        let K = network.classes
        scores.withUnsafeMutableBufferPointer { scores in
            for n in 0..<reference.N {
                SoftmaxCrossEntropy.softmax(
                    K: K, logits: first + n * K, scores: scores.baseAddress.unsafelyUnwrapped + n * K)
            }
        }
        return scores
    }

    private func running(after pass: TrainingPass) throws(Fault) -> [String: [Double]] {
        var running: [String: [Double]] = [:]
        for (index, layer) in network.statistics.enumerated() {
            let old = try reference.statistics(index)
            func mixed(_ old: [Float], _ new: ArraySlice<Double>) -> [Double] {
                zip(old, new).map { Double(Float((1 - layer.momentum) * Double($0) + layer.momentum * $1)) }
            }
            running["train/running/\(layer.meanName)"] = mixed(old.mean, pass.mean(index))
            running["train/running/\(layer.varianceName)"] = mixed(old.variance, pass.variance(index))
        }
        return running
    }
}
