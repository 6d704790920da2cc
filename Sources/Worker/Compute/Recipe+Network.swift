public import Faults
public import Models
public import Training

extension Recipe {
    /// The network of `[model]` for the clips of `[input]`, with so many outputs.
    ///
    /// - Parameter clip: Others than those of `[input]`; `nil`: those.
    /// - Throws: `Fault.usage` for an unknown network, or a clip or an option that it does not take.
    public func network(classes: Int, clip: ClipShape? = nil) throws(Fault) -> NetworkDescription {
        try NetworkDescription(
            named: model.name, classes: classes, frames: clip?.frames ?? input.frames, size: clip?.crop ?? input.crop,
            options: networkOptions)
    }

    /// What `[model]` says of the network.
    var networkOptions: NetworkOptions {
        var options = NetworkOptions()
        options.channelMultiplier = model.channelMultiplier
        options.bottleneckMultiplier = model.bottleneckMultiplier
        options.pool1 = model.pool1
        options.conv1TemporalStride = model.conv1TemporalStride
        options.conv1TemporalKernel = model.conv1TemporalKernel
        options.dropout = model.dropout == -1 ? nil : model.dropout
        return options
    }
}
