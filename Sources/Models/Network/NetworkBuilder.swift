package import Kernels

/// Writes a network down layer by layer; the methods take and return the numbers of tensors.
///
/// What makes no sense (maps that do not match, channels that no group divides) is a mistake in a description and stops
/// the program. `NetworkBuilder+Joins` holds what reads several tensors.
package struct NetworkBuilder {
    let conventions: FamilyConventions
    private(set) var layers: [Layer] = []
    private(set) var parameters: [Parameter] = []
    private(set) var statistics: [RunningStatistics] = []

    package init(_ conventions: FamilyConventions) { self.conventions = conventions }

    /// The finished network; the last layer's tensor holds the logits, or the scores.
    package func network(named name: String) -> NetworkDescription {
        let logits = layers[layers.count - 1].map
        precondition(logits.positions == 1, "\(name) ends with \(logits): one row of logits for a clip")
        return NetworkDescription(
            name: name, classes: logits.C, layers: layers, parameters: parameters, statistics: statistics)
    }

    package func map(_ tensor: Int) -> FeatureMap { layers[tensor].map }

    /// Colour clips of `frames` square frames: the first layer of every network, and the only one of its kind.
    package mutating func input(frames: Int, size: Int) -> Int { input(Extent3(frames, size, size)) }

    /// The clips of a request.
    mutating func input(_ request: NetworkRequest) -> Int {
        input(Extent3(request.frames, request.height, request.width))
    }

    private mutating func input(_ extent: Extent3) -> Int {
        precondition(layers.isEmpty, "a network begins with its only input")
        return append("input", .input, [], FeatureMap(C: 3, extent: extent))
    }

    /// These frames of the map, each in 0..<T.
    package mutating func selectFrames(_ x: Int, _ name: String, _ frames: [Int]) -> Int {
        let extent = map(x).extent
        precondition(
            !frames.isEmpty && frames.allSatisfy((0..<extent.t).contains), "\(name): frames \(frames) of \(extent.t)")
        return append(
            name, .selectFrames(frames), [x], FeatureMap(C: map(x).C, extent: Extent3(frames.count, extent.h, extent.w))
        )
    }

    /// A convolution; the padding defaults to half the kernel, the first weights to He's for fan-out.
    package mutating func convolution(
        _ x: Int, _ name: String, K: Int, kernel: Extent3, stride: Extent3 = .one, padding: Extent3? = nil,
        groups: Int = 1, bias: Bool = false, initialiser: Initialiser? = nil
    ) -> Int {
        let padding = padding ?? Extent3(kernel.t / 2, kernel.h / 2, kernel.w / 2)
        let shape = ConvolutionShape(
            C: map(x).C, K: K, kernel: kernel, stride: stride, padding: padding, input: map(x).extent, groups: groups)
        let weights = [K, shape.C / groups, kernel.t, kernel.h, kernel.w]
        return convolution(
            x, name, shape, weights, bias: bias, initialiser ?? .heFanOut(K: K, kernel: kernel.count))
    }

    /// A linear layer over the whole map, its values in a checkpoint's order (channels, frames, rows, columns): the
    /// convolution whose kernel is the map, with weights `[out, C·T·H·W]`.
    package mutating func linearOverMap(
        _ x: Int, _ name: String, out: Int, bias: Bool = true, initialiser: Initialiser? = nil
    ) -> Int {
        let shape = ConvolutionShape(C: map(x).C, K: out, kernel: map(x).extent, input: map(x).extent)
        let fanIn = map(x).count
        return convolution(
            x, name, shape, [out, fanIn], bias: bias, initialiser ?? conventions.linear(fanIn))
    }

    private mutating func convolution(
        _ x: Int, _ name: String, _ shape: ConvolutionShape, _ weights: [Int], bias: Bool, _ initialiser: Initialiser
    ) -> Int {
        let weight = parameter(name + conventions.weight, weights, .weight, initialiser)
        let bias = bias ? parameter(name + conventions.bias, [shape.K], .bias, .constant(0)) : nil
        return append(
            name, .convolution(shape, weight: weight, bias: bias), [x], FeatureMap(C: shape.K, extent: shape.output))
    }

    /// A linear layer at each position of the map, with weights `[out, C]`.
    package mutating func linear(
        _ x: Int, _ name: String, out: Int, bias: Bool = true, initialiser: Initialiser? = nil
    ) -> Int {
        let C = map(x).C
        let weight = parameter(
            name + conventions.weight, [out, C], .weight, initialiser ?? conventions.linear(C))
        let bias = bias ? parameter(name + conventions.bias, [out], .bias, .constant(0)) : nil
        return append(name, .linear(weight: weight, bias: bias), [x], FeatureMap(C: out, extent: map(x).extent))
    }

    /// - Parameter scaleStart: γ's first value; 0 makes a residual branch start as nothing.
    package mutating func batchNorm(_ x: Int, _ name: String, scaleStart: Float = 1) -> Int {
        let C = map(x).C
        let scale = parameter(name + conventions.scale, [C], .scale, .constant(scaleStart))
        let shift = parameter(name + conventions.shift, [C], .shift, .constant(0))
        statistics.append(
            RunningStatistics(
                layer: name, C: C, meanName: name + conventions.runningMean,
                varianceName: name + conventions.runningVariance, epsilon: conventions.epsilon,
                momentum: conventions.momentum, unbiased: true, positions: map(x).positions))
        let operation = Operation.batchNorm(statistics: statistics.count - 1, scale: scale, shift: shift)
        return append(name, operation, [x], map(x))
    }

    package mutating func relu(_ x: Int) -> Int { append(layers[x].name + "/relu", .relu, [x], map(x)) }

    package mutating func swish(_ x: Int) -> Int { append(layers[x].name + "/swish", .swish, [x], map(x)) }

    package mutating func sigmoid(_ x: Int) -> Int { append(layers[x].name + "/sigmoid", .sigmoid, [x], map(x)) }

    /// Places outside the map do not count.
    package mutating func maxPool(_ x: Int, _ name: String, kernel: Extent3, stride: Extent3, padding: Extent3) -> Int {
        let shape = PoolingShape(C: map(x).C, kernel: kernel, stride: stride, padding: padding, input: map(x).extent)
        return append(name, .maxPool(shape), [x], FeatureMap(C: shape.C, extent: shape.output))
    }

    /// Places outside the map count as zeros.
    package mutating func averagePool(
        _ x: Int, _ name: String, kernel: Extent3, stride: Extent3 = .one, padding: Extent3 = Extent3(0, 0, 0)
    ) -> Int {
        let shape = PoolingShape(C: map(x).C, kernel: kernel, stride: stride, padding: padding, input: map(x).extent)
        return append(name, .averagePool(shape), [x], FeatureMap(C: shape.C, extent: shape.output))
    }

    /// The mean of each channel over the whole map.
    package mutating func globalAveragePool(_ x: Int, _ name: String) -> Int {
        averagePool(x, name, kernel: map(x).extent)
    }

    /// - Parameter probability: of an element to be dropped, in [0, 1).
    package mutating func dropout(_ x: Int, _ name: String, probability: Double) -> Int {
        precondition((0..<1).contains(probability), "\(name) drops with probability \(probability)")
        return append(name, .dropout(probability: probability), [x], map(x))
    }

    mutating func append(_ name: String, _ operation: Operation, _ inputs: [Int], _ map: FeatureMap) -> Int {
        layers.append(Layer(name: name, operation: operation, inputs: inputs, map: map))
        return layers.count - 1
    }

    private mutating func parameter(
        _ name: String, _ shape: [Int], _ role: Parameter.Role, _ initialiser: Initialiser
    ) -> Int {
        parameters.append(Parameter(name: name, shape: shape, role: role, initialiser: initialiser))
        return parameters.count - 1
    }
}
