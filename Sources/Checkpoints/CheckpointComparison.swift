public import Faults

/// What is alike and what is not between the tensors of two checkpoints, matched by name.
public struct CheckpointComparison: Sendable, Equatable {
    /// A tensor that both have, not with the same bits.
    public struct Difference: Sendable, Equatable {
        public enum Kind: Sendable, Equatable {
            case shapes([Int], [Int])
            /// Of the same shape. `largest` is the largest |a − b|, `relative` is ‖a − b‖ / ‖a‖ (Euclidean, in f64, over what is
            /// finite in a): infinite where one has a value that is no finite number and the other another. Both are 0 when
            /// the values are equal and only their types or bits differ.
            case values(largest: Double, relative: Double, types: [ElementType])
        }

        public var name: String
        public var kind: Kind

        public init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    /// The same name, shape, type and bits.
    public var matched: [String] = []
    public var differing: [Difference] = []
    /// In the first only.
    public var missing: [String] = []
    /// In the second only.
    public var unexpected: [String] = []

    public var isEqual: Bool { differing.isEmpty && missing.isEmpty && unexpected.isEmpty }

    /// - Throws: a data `Fault` for a tensor whose values cannot be compared (8-bit floats that differ).
    public init(_ first: Checkpoint, _ second: Checkpoint) throws(Fault) {
        var others: [String: CheckpointTensor] = [:]
        for tensor in second.tensors { others[tensor.name] = tensor }
        for tensor in first.tensors {
            guard let other = others.removeValue(forKey: tensor.name) else {
                missing.append(tensor.name)
                continue
            }
            if tensor == other {
                matched.append(tensor.name)
            } else if tensor.shape != other.shape {
                differing.append(Difference(name: tensor.name, kind: .shapes(tensor.shape, other.shape)))
            } else {
                differing.append(Difference(name: tensor.name, kind: try Self.values(tensor, other)))
            }
        }
        unexpected = second.tensors.map(\.name).filter { others[$0] != nil }
    }

    private static func values(_ a: CheckpointTensor, _ b: CheckpointTensor) throws(Fault) -> Difference.Kind {
        var largest = 0.0
        var squares = 0.0
        var norm = 0.0
        for (x, y) in zip(try a.floats(), try b.floats()) {
            let (x, y) = (Double(x), Double(y))
            if x.isFinite { norm += x * x }
            if x == y || x.isNaN && y.isNaN { continue }
            let distance = abs(x - y)
            largest = max(largest, distance.isNaN ? .infinity : distance)
            squares += distance.isNaN ? .infinity : distance * distance
        }
        let relative = squares == 0 ? 0 : squares.isFinite ? (squares / norm).squareRoot() : .infinity
        let types = a.elementType == b.elementType ? [] : [a.elementType, b.elementType]
        return .values(largest: largest, relative: relative, types: types)
    }
}
