/// What the layers of a family have in common: how tensors are named in its checkpoints, how batch norm is set, how
/// parameters start.
package struct FamilyConventions: Sendable {
    /// Suffixes of a layer's name.
    var weight: String
    var bias: String
    var scale: String
    var shift: String
    var runningMean: String
    var runningVariance: String
    /// Of batch norm.
    var epsilon: Double
    /// Of the moving averages: the share of the newest value.
    var momentum: Double
    /// Of the linear layer's weight, from its fan-in.
    var linear: @Sendable (_ fanIn: Int) -> Initialiser

    /// facebookresearch/VMZ (Caffe2). `_riv` holds the running variance, despite its name; its GPU operator accumulates
    /// the unbiased one.
    package static let vmz = FamilyConventions(
        weight: "_w", bias: "_b", scale: "_s", shift: "_b", runningMean: "_rm", runningVariance: "_riv",
        epsilon: 1e-3, momentum: 0.1, linear: { .xavierFanIn($0) })

    /// torchvision.models.video: the keys of its `state_dict`.
    package static let torchvision = FamilyConventions(
        weight: ".weight", bias: ".bias", scale: ".weight", shift: ".bias", runningMean: ".running_mean",
        runningVariance: ".running_var", epsilon: 1e-5, momentum: 0.1, linear: { _ in .normal(deviation: 0.01) })

    /// facebookresearch/SlowFast: as torchvision's.
    static let slowfast = torchvision

    /// pytorchvideo: as torchvision's.
    static let pytorchvideo = torchvision
}
