extension NetworkDescription {
    /// Whether the network ends with scores of a fully convolutional head, and not with logits.
    public var endsWithScores: Bool {
        guard case .softmaxMean? = layers.last?.operation else { return false }
        return true
    }

    /// The same network, its convolutional head's scores of a softmax over classes and places together, or of one at
    /// each place; unchanged where it ends with logits.
    public func scoring(joint: Bool) -> NetworkDescription {
        guard endsWithScores, let last = layers.last else { return self }
        return NetworkDescription(
            name: name, classes: classes,
            layers: layers.dropLast() + [
                Layer(name: last.name, operation: .softmaxMean(joint: joint), inputs: last.inputs, map: last.map)
            ],
            parameters: parameters, statistics: statistics)
    }
}
