/// What the tables of papers count besides weights and multiply-accumulates.
extension NetworkDescription {
    /// Values that the convolutions and linear layers make of one clip: what is called activations since Radosavovic et al.,
    /// "Designing Network Design Spaces" (CVPR 2020).
    public var activations: Int { layers.indices.reduce(0) { $0 + activations(layer: $1) } }

    /// The same of one layer.
    public func activations(layer index: Int) -> Int {
        switch layers[index].operation {
        case .convolution, .linear: layers[index].map.count
        default: 0
        }
    }

    /// Values of one clip that batch norms see.
    public var normedValues: Int { statistics.reduce(0) { $0 + $1.C * $1.positions } }

    /// Whether the network as its origin publishes it ends in a softmax, in training too, where ours ends in the logits: so do
    /// pytorchvideo's X3D and R(2+1)D. What they call logits are probabilities, and their loss takes the softmax of these.
    public static func endsInSoftmax(named name: String) -> Bool {
        name.hasPrefix("pytorchvideo/x3d_") || name == "pytorchvideo/r2plus1d_r50"
    }
}
