import Kernels
import Models
import Training
import Wire

/// Training in one process, without a cluster: a unit, then the optimizer. For checks and timing; its update is the one
/// that shards run.
final class LocalTrainer {
    let pass: TrainingPass
    private let settings: SGDSettings
    private let rate: Float
    private let pool: ThreadPool
    private let memory = PayloadPool()
    private var weights: [Payload] = []
    private var momentum: [Payload] = []
    private var gradients: [Payload] = []

    /// - Parameter start: a parameter's first values, by its number.
    init<Failure: Error>(
        _ pass: TrainingPass, settings: SGDSettings, rate: Float, pool: ThreadPool,
        start: (Int) throws(Failure) -> [Float]
    ) throws(Failure) {
        self.pass = pass
        self.settings = settings
        self.rate = rate
        self.pool = pool
        for index in pass.network.parameters.indices {
            let values = try start(index)
            let zeros = memory.payload(copying: [Float](repeating: 0, count: values.count))
            weights.append(memory.payload(copying: values))
            momentum.append(zeros)
            gradients.append(zeros)
            pass.setParameter(index, values)
        }
    }

    /// One step on the clips in `pass.input`, every parameter decayed.
    func step(labels: [Int], onGradient: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }) -> TrainingPass.Result
    {
        let result = pass.run(labels: labels) { parameter, gradient in
            onGradient(parameter, gradient)
            gradients[parameter] = memory.payload(copying: UnsafeRawBufferPointer(gradient))
        }
        weights.withUnsafeMutableBufferPointer { weights in
            momentum.withUnsafeMutableBufferPointer { momentum in
                pool.run(gradients.count) { index in
                    (weights[index], momentum[index]) = settings.update(
                        weights: weights[index], momentum: momentum[index], gradientSum: gradients[index], scale: 1,
                        rate: rate, decays: true, pool: memory)
                }
            }
        }
        for (index, payload) in weights.enumerated() {
            pass.setParameter(
                index, range: 0..<pass.network.parameters[index].count, bytes: UnsafeRawBufferPointer(payload.bytes))
        }
        return result
    }
}
