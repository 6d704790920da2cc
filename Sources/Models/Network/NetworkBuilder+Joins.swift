import Kernels

/// What reads several tensors, or ends a network.
extension NetworkBuilder {
    /// The sum of two maps of the same size.
    package mutating func add(_ a: Int, _ b: Int, _ name: String) -> Int {
        precondition(map(a) == map(b), "\(name) adds \(map(a)) and \(map(b))")
        return append(name, .add, [a, b], map(a))
    }

    /// Each channel of `x` times its number in `s`, a map of one position: squeeze-and-excitation.
    package mutating func multiplyChannels(_ x: Int, by s: Int, _ name: String) -> Int {
        precondition(
            map(s) == FeatureMap(C: map(x).C, extent: .one), "\(name) multiplies \(map(x)) by \(map(s))")
        return append(name, .multiplyChannels, [x, s], map(x))
    }

    /// The channels of maps of the same extent, one map's after the other's.
    package mutating func concatenate(_ parts: [Int], _ name: String) -> Int {
        let maps = parts.map { map($0) }
        precondition(
            maps.count > 1 && maps.allSatisfy { $0.extent == maps[0].extent }, "\(name) concatenates \(maps)")
        let C = maps.reduce(0) { $0 + $1.C }
        return append(name, .concatenate, parts, FeatureMap(C: C, extent: maps[0].extent))
    }

    /// The core of a non-local block: theta of P positions and phi of Q with as many channels, g of Q positions; the
    /// result has theta's positions and g's channels.
    package mutating func attention(
        theta: Int, phi: Int, g: Int, _ name: String, normalisation: Operation.AttentionNormalisation
    ) -> Int {
        precondition(
            map(theta).C == map(phi).C && map(phi).extent == map(g).extent,
            "\(name) attends with \(map(theta)), \(map(phi)), \(map(g))")
        return append(
            name, .attention(normalisation), [theta, phi, g], FeatureMap(C: map(g).C, extent: map(theta).extent))
    }

    /// Scores from the logits at each position: softmax over classes and the mean over positions, or `joint`ly one softmax
    /// over classes and positions.
    package mutating func softmaxMean(_ x: Int, _ name: String, joint: Bool) -> Int {
        append(name, .softmaxMean(joint: joint), [x], FeatureMap(C: map(x).C, extent: .one))
    }
}
