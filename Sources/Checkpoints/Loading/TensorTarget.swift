/// A tensor that a network wants filled: a parameter or running statistics.
public struct TensorTarget: Sendable, Equatable {
    public var name: String
    /// Row-major.
    public var shape: [Int]
    /// Whether it belongs to the layer that tells the classes.
    public var isHead: Bool

    public init(name: String, shape: [Int], isHead: Bool = false) {
        self.name = name
        self.shape = shape
        self.isHead = isHead
    }
}

/// What may differ between a file and the network it is loaded into. Unless asked for, nothing may.
public struct LoadOptions: Sendable, Equatable {
    /// How the weights of a convolution over pictures become those of one over clips of T frames
    /// (Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017).
    public enum Inflation: String, Sendable, CaseIterable {
        /// Repeated T times and divided by T: a clip of one picture repeated gives what the picture gave.
        case repeated = "repeat"
        /// Put at frame T/2, zeros elsewhere.
        case centred = "centre"
    }

    /// `nil`: a convolution over pictures does not fit one over clips.
    public var inflation: Inflation?
    /// The head keeps its first values, whatever the file holds.
    public var replacesHead: Bool
    /// What the file lacks keeps its first values.
    public var allowsMissing: Bool
    /// What the network lacks is left out.
    public var allowsUnexpected: Bool

    public init(
        inflation: Inflation? = nil, replacesHead: Bool = false, allowsMissing: Bool = false,
        allowsUnexpected: Bool = false
    ) {
        self.inflation = inflation
        self.replacesHead = replacesHead
        self.allowsMissing = allowsMissing
        self.allowsUnexpected = allowsUnexpected
    }
}
