public import Checkpoints
public import Faults
public import Kernels
import Models

/// A network of ours against numbers that `peers/reference.py` wrote: the same weights and clip, PyTorch's results in
/// f64 as the truth, and PyTorch's own f32 error as the yardstick, for gradients of deep networks are ill-conditioned.
///
/// Errors are the norm of the difference over the norm of the truth.
public struct ModelCheck: Sendable {
    /// What is compared.
    public enum Group: String, Sendable, CaseIterable {
        /// With running statistics.
        case evalLogits = "eval_logits"
        case evalGradient = "eval_gradient"
        /// With the clips' own statistics.
        case trainLogits = "train_logits"
        case trainGradient = "train_gradient"
        /// The running statistics after that pass.
        case trainRunning = "train_running"
        /// The losses of a few steps of SGD on the same clips.
        case sgdLoss = "sgd_loss"

        /// How the reference's tensors of the group begin.
        var prefix: String { rawValue.replacing("_", with: "/") }
    }

    /// How far from the truth we may be: in a group, and in the worst tensor of it. A ReLU that flips because of a
    /// rounding moves a small tensor far; what is computed wrongly is wrong by its own size.
    struct Bars: Sendable {
        /// Times PyTorch's own error.
        var factor: Double
        /// What is added.
        var slack: Double
        var lossSlack = 1e-3
        var logits: Double?
        var tensorSlack: Double

        /// Of convolutions as sums of products.
        static let direct = Bars(factor: 3, slack: 1e-5, tensorSlack: 1e-3)
        /// Where Winograd's may run, whose transforms round too.
        static let winograd = Bars(factor: 10, slack: 1e-4, logits: 1e-4, tensorSlack: 5e-2)

        init(factor: Double, slack: Double, logits: Double? = nil, tensorSlack: Double) {
            self.factor = factor
            self.slack = slack
            self.logits = logits
            self.tensorSlack = tensorSlack
        }

        func allow(_ group: Group, ours: Double, torch: Double) -> Bool {
            switch group {
            case .evalLogits, .trainLogits: ours <= logits ?? factor * torch + slack
            case .sgdLoss: ours <= factor * torch + lossSlack
            default: ours <= factor * torch + slack
            }
        }

        /// A tensor's error as a share of what it may be.
        func share(_ tensor: Worst) -> Double {
            tensor.ours.isNaN ? .infinity : tensor.ours / (10 * tensor.torch + tensorSlack)
        }
    }

    /// The tensor of a group that is worst in relation to PyTorch's own error.
    public struct Worst: Sendable, Equatable {
        public var tensor: String
        public var ours: Double
        public var torch: Double
    }

    public private(set) var ours: [Group: Double] = [:]
    public private(set) var torch: [Group: Double] = [:]
    public private(set) var worst: [Group: Worst] = [:]

    private let bars: Bars

    /// Whether every group and every tensor is within its bar.
    public var isRight: Bool {
        Group.allCases.allSatisfy { group in
            guard let ours = ours[group], let torch = torch[group], let worst = worst[group] else { return false }
            return bars.allow(group, ours: ours, torch: torch) && bars.share(worst) <= 1
        }
    }

    /// Runs the check.
    ///
    /// - Throws: a `Fault` about an unknown name, or a reference that is damaged or of another model.
    public static func run(
        _ name: String, reference: SafetensorsFile, pool: ThreadPool, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto
    ) throws(Fault) -> ModelCheck {
        let reference = try ModelReference(reference, of: name)
        var results: [Group: [String: [Double]]] = [:]
        let run = ModelCheckRun(
            reference: reference, pool: pool, instructionSet: instructionSet, implementation: implementation)
        try run.frozen(into: &results)
        try run.training(into: &results)
        var check = ModelCheck(bars: mayBeWinograd(implementation) ? .winograd : .direct)
        for group in Group.allCases { try check.compare(group, results[group] ?? [:], reference) }
        return check
    }

    private init(bars: Bars) { self.bars = bars }

    private static func mayBeWinograd(_ choice: Convolution.Choice) -> Bool {
        switch choice {
        case .auto: true
        case .preferring(let name), .named(let name): name == "winograd"
        }
    }

    private mutating func compare(
        _ group: Group, _ results: [String: [Double]], _ reference: ModelReference
    ) throws(Fault) {
        var (ourSquares, torchSquares, truthSquares) = (0.0, 0.0, 0.0)
        for (tensor, values) in results.sorted(by: { $0.key < $1.key }) {
            let truth = try reference.file.floats(tensor)
            guard truth.count == values.count else {
                throw Fault(.data, reference.file.path, "tensor '\(tensor)' is of another size: another model?")
            }
            let difference = zip(values, truth).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
            let square = truth.reduce(0) { $0 + Double($1) * Double($1) }
            let torchError = Double(try reference.scalar("torch_error/\(tensor)"))
            let error = (difference / max(square, 1e-60)).squareRoot()
            ourSquares += difference
            torchSquares += torchError * torchError * square
            truthSquares += square
            let found = Worst(tensor: tensor, ours: error, torch: torchError)
            if worst[group].map({ bars.share(found) > bars.share($0) }) ?? true { worst[group] = found }
        }
        ours[group] = (ourSquares / max(truthSquares, 1e-60)).squareRoot()
        torch[group] = (torchSquares / max(truthSquares, 1e-60)).squareRoot()
    }
}
