import Kernels
import Models
import Training
import Wire

/// Training in one process, without a cluster: a unit, then the optimizer. For checks and timing; its update is the one
/// that shards run. The weights are those of the pass: each parameter is updated as soon as its gradient is there.
final class LocalTrainer {
    let pass: TrainingPass
    private let settings: OptimizerSettings
    private let weightDecay: Float
    private let rate: Float
    private let pool: ThreadPool
    private let memory = PayloadPool()
    /// By parameter, in pieces.
    private var momentum: [[Payload]] = []

    /// Values that are updated at once.
    private static let piece = 1 << 14

    /// - Parameter start: a parameter's first values, by its number.
    init<Failure: Error>(
        _ pass: TrainingPass, settings: SGDSettings, weightDecay: Float, rate: Float, pool: ThreadPool,
        start: (Int) throws(Failure) -> [Float]
    ) throws(Failure) {
        self.pass = pass
        self.settings = OptimizerSettings(.sgd(settings))
        self.weightDecay = weightDecay
        self.rate = rate
        self.pool = pool
        for index in pass.network.parameters.indices {
            pass.setParameter(index, try start(index))
            momentum.append(
                Self.pieces(pass.network.parameters[index].count).map {
                    memory.payload(copying: [Float](repeating: 0, count: $0.count))
                })
        }
    }

    private static func pieces(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: piece).map { $0..<min($0 + piece, count) }
    }

    /// One step on the clips in `pass.input`, every parameter decayed; without `draws` dropout drops nothing.
    func step(
        labels: [Int], draws: ClipDraws? = nil, onGradient: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
    ) -> TrainingPass.Result {
        pass.run(labels: labels, draws: draws) { parameter, gradient in
            onGradient(parameter, gradient)
            update(parameter, gradient)
        }
    }

    private func update(_ parameter: Int, _ gradient: UnsafeBufferPointer<Float>) {
        let weights = pass.parameter(parameter)
        let pieces = Self.pieces(gradient.count)
        momentum[parameter].withUnsafeMutableBufferPointer { momentum in
            pool.run(pieces.count) { number in
                let piece = pieces[number]
                let target = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: weights[piece]))
                let old = memory.payload(copying: UnsafeRawBufferPointer(target))
                let sum = memory.payload(
                    copying: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: gradient[piece])))
                let new = settings.update(
                    [old, momentum[number]], gradientSum: sum, scale: 1, rate: rate, weightDecay: weightDecay, step: 0,
                    pool: memory)
                target.copyMemory(from: UnsafeRawBufferPointer(new[0].bytes))
                momentum[number] = new[1]
            }
        }
    }
}
