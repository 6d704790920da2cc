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

        /// Added to three times PyTorch's own error to give the bar.
        var slack: Double { self == .sgdLoss ? 1e-3 : 1e-5 }
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

    /// Whether every group is within three times PyTorch's error and the slack, and every tensor within ten times plus
    /// 1e-3.
    public var isRight: Bool {
        Group.allCases.allSatisfy { group in
            guard let ours = ours[group], let torch = torch[group], let worst = worst[group] else { return false }
            return ours <= 3 * torch + group.slack && worst.ours <= 10 * worst.torch + 1e-3
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
        var check = ModelCheck()
        for group in Group.allCases { try check.compare(group, results[group] ?? [:], reference) }
        return check
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
            if worst[group].map({ found.excess > $0.excess }) ?? true { worst[group] = found }
        }
        ours[group] = (ourSquares / max(truthSquares, 1e-60)).squareRoot()
        torch[group] = (torchSquares / max(truthSquares, 1e-60)).squareRoot()
    }
}

extension ModelCheck.Worst {
    /// The error as a share of what it may be.
    fileprivate var excess: Double { ours.isNaN ? .infinity : ours / (10 * torch + 1e-3) }
}
