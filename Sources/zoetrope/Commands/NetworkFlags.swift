import ArgumentParser
import Models

/// What may differ from a network as it was published: the keys of a recipe's `[model]`.
struct NetworkFlags: ParsableArguments {
    @Option(help: "Times the channels of every residual stage.")
    var channelMultiplier = 1.0
    @Option(help: "Times the inner channels of bottlenecks.")
    var bottleneckMultiplier = 1.0
    @Flag(name: .customLong("pool1"), help: "A max pool behind the first convolution.")
    var pool1 = false
    @Option(
        name: .customLong("conv1-temporal-stride"), help: "Frames from one place of the first convolution to the next.")
    var conv1TemporalStride = 1
    @Option(name: .customLong("conv1-temporal-kernel"), help: "Frames that the first convolution sees: 3 or 5.")
    var conv1TemporalKernel = 3
    @Option(help: "Probability of dropout before the head; without it, as published.")
    var dropout: Double?
    @Flag(help: "The head for testing with larger crops: scores at every place, averaged.")
    var convolutionalHead = false

    var options: NetworkOptions {
        var options = NetworkOptions()
        options.channelMultiplier = channelMultiplier
        options.bottleneckMultiplier = bottleneckMultiplier
        options.pool1 = pool1
        options.conv1TemporalStride = conv1TemporalStride
        options.conv1TemporalKernel = conv1TemporalKernel
        options.dropout = dropout
        options.head = convolutionalHead ? .convolutional : .linear
        return options
    }
}
