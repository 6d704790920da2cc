import Faults

/// What the origin of a network says of its size.
package struct PublishedFigure: Sendable {
    /// Where it says so.
    package enum Source: String, Sendable {
        /// The first zoo: 18 layers, clips of 112 pixels, any head.
        case vmzModels = "VMZ, models.md"
        /// The second: counted for the convolutional head.
        case vmzZoo = "VMZ, model_zoo.md"
        case torchvision = "torchvision, weights' meta data"
        /// MODEL_ZOO.md, at the training crop.
        case slowfastZoo = "PySlowFast, MODEL_ZOO.md"
        /// At the test crop, with the convolutional head.
        case pytorchvideoZoo = "pytorchvideo, model zoo"
        case slowfastPaper = "Feichtenhofer et al., ICCV 2019"
    }

    /// What is counted as parameters.
    package enum Parameters: Sendable {
        /// Weights of convolutions and linear layers, without biases.
        case weights
        case all
    }

    package let name: String
    package let frames: Int
    package let size: Int
    package var options = NetworkOptions()
    /// Millions, as printed there; nil: not said.
    package let millions: String?
    package let parameters: Parameters
    /// Multiply-accumulates of one clip in units of 1e9, as printed there.
    package let gigaMACs: String?
    package let source: Source
    /// Why it differs from ours.
    package var difference: String?

    /// The network that the figure is about, with 400 classes.
    package var network: NetworkDescription {
        get throws(Fault) {
            try NetworkDescription(named: name, classes: 400, frames: frames, size: size, options: options)
        }
    }
}

/// How a figure of ours compares with a published one.
package enum Agreement: String, Sendable {
    case equal = "equal"
    /// fvcore, since its version of 2020, counts 5 operations more for each value that a batch norm sees.
    case equalWithNorms = "equal with norms"
    case different = "DIFFERENT"

    /// - Parameter published: a decimal; `ours` agrees when it rounds to it, or is it once cut to as many digits.
    package static func matches(_ published: String, _ ours: Double) -> Bool {
        guard let value = Double(published) else { return false }
        let digits = published.split(separator: ".").dropFirst().first?.count ?? 0
        let scale = (0..<digits).reduce(1.0) { unit, _ in unit * 10 }
        let wanted = (value * scale).rounded()
        return (ours * scale).rounded() == wanted || (ours * scale).rounded(.down) == wanted
    }
}

extension PublishedFigure {
    /// Of the parameters, if they are published.
    package func parameterAgreement(_ network: NetworkDescription) -> Agreement? {
        guard let millions else { return nil }
        let count = parameters == .weights ? network.weights : network.parameterCount
        return Agreement.matches(millions, Double(count) / 1e6) ? .equal : .different
    }

    /// Of the multiply-accumulates, if they are published.
    package func macsAgreement(_ network: NetworkDescription) -> Agreement? {
        guard let gigaMACs else { return nil }
        if Agreement.matches(gigaMACs, Double(network.macs) / 1e9) { return .equal }
        let withNorms = network.macs + 5 * network.normedValues
        return Agreement.matches(gigaMACs, Double(withNorms) / 1e9) ? .equalWithNorms : .different
    }
}
