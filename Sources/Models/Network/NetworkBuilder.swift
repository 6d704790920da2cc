package import Kernels

/// Writes a network down layer by layer; the methods take and return the numbers of tensors.
package struct NetworkBuilder {
    let conventions: FamilyConventions
    private(set) var layers: [Layer] = []
    private(set) var parameters: [Parameter] = []
    private(set) var statistics: [RunningStatistics] = []

    package init(_ conventions: FamilyConventions) { self.conventions = conventions }

    /// The finished network; the last layer's tensor holds the logits.
    package func network(named name: String) -> NetworkDescription {
        NetworkDescription(
            name: name, classes: layers[layers.count - 1].map.C, layers: layers, parameters: parameters,
            statistics: statistics)
    }

    package func map(_ tensor: Int) -> FeatureMap { layers[tensor].map }

    /// Colour clips of `frames` square frames.
    package mutating func input(frames: Int, size: Int) -> Int {
        let pathway = layers.count
        return append(
            "input", .input(pathway: pathway), [], FeatureMap(C: 3, extent: Extent3(frames, size, size)))
    }

    /// A convolution without bias; the padding defaults to half the kernel.
    package mutating func convolution(
        _ x: Int, _ name: String, K: Int, kernel: Extent3, stride: Extent3 = .one, padding: Extent3? = nil
    ) -> Int {
        let padding = padding ?? Extent3(kernel.t / 2, kernel.h / 2, kernel.w / 2)
        let shape = ConvolutionShape(
            C: map(x).C, K: K, kernel: kernel, stride: stride, padding: padding, input: map(x).extent)
        let weights = [K, shape.C, kernel.t, kernel.h, kernel.w]
        let weight = parameter(name + conventions.weight, weights, .weight, .heFanOut(weights))
        return append(name, .convolution(shape, weight: weight), [x], FeatureMap(C: K, extent: shape.output))
    }

    package mutating func batchNorm(_ x: Int, _ name: String) -> Int {
        let C = map(x).C
        let scale = parameter(name + conventions.scale, [C], .scale, .constant(1))
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

    package mutating func add(_ a: Int, _ b: Int, _ name: String) -> Int {
        precondition(map(a) == map(b), "\(name) adds \(map(a)) and \(map(b))")
        return append(name, .add, [a, b], map(a))
    }

    package mutating func maxPool(_ x: Int, _ name: String, kernel: Extent3, stride: Extent3, padding: Extent3) -> Int {
        let shape = PoolingShape(
            C: map(x).C, kernel: kernel, stride: stride, padding: padding, input: map(x).extent)
        return append(name, .maxPool(shape), [x], FeatureMap(C: shape.C, extent: shape.output))
    }

    /// The mean of each channel over the whole map.
    package mutating func globalAveragePool(_ x: Int, _ name: String) -> Int {
        let shape = PoolingShape.global(C: map(x).C, input: map(x).extent)
        return append(name, .averagePool(shape), [x], FeatureMap(C: shape.C, extent: shape.output))
    }

    package mutating func linear(_ x: Int, _ name: String, out: Int) -> Int {
        let fanIn = map(x).count
        let weight = parameter(name + conventions.weight, [out, fanIn], .weight, conventions.linear(fanIn))
        let bias = parameter(name + conventions.bias, [out], .bias, .constant(0))
        return append(name, .linear(weight: weight, bias: bias), [x], FeatureMap(C: out, extent: .one))
    }

    private mutating func append(_ name: String, _ operation: Operation, _ inputs: [Int], _ map: FeatureMap) -> Int {
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
