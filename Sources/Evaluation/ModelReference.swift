import Checkpoints
import Faults
import Kernels
import Models

/// A file of `peers/reference.py`, with the network that it is about.
struct ModelReference {
    let file: SafetensorsFile
    let network: NetworkDescription
    let N: Int
    let steps: Int
    let rate: Float
    let weightDecay: Float
    let labels: [Int]
    /// What the losses are of. pytorchvideo's X3D has a softmax behind its last layer in training too, so that its losses
    /// are of scores, and what the file calls logits are these.
    let loss: TrainingPass.Loss

    /// - Throws: a `Fault` when the file is of another model.
    init(_ file: SafetensorsFile, of name: String) throws(Fault) {
        self.file = file
        func number<Number: LosslessStringConvertible>(_ key: String, _: Number.Type) throws(Fault) -> Number {
            guard let text = file.metadata[key], let number = Number(text) else {
                throw Fault(.data, file.path, "has no metadata '\(key)'", mend: "peers/reference.py writes such files")
            }
            return number
        }
        network = try NetworkDescription(
            named: name, classes: number("classes", Int.self), frames: number("frames", Int.self),
            size: number("size", Int.self))
        let model = file.metadata["model"] ?? ""
        guard Self.names(ofModel: model).contains(name) else {
            throw Fault(.data, file.path, "was written for model '\(model)', not '\(name)'")
        }
        // pytorchvideo ends these in a softmax in training, too, before the loss takes another.
        loss = model.hasPrefix("x3d") || model == "r2plus1d_r50" ? .ofScores : .softmaxCrossEntropy
        N = try number("batch", Int.self)
        steps = try number("steps", Int.self)
        rate = try number("lr", Float.self)
        weightDecay = try number("weight_decay", Float.self)
        labels = try file.integers("label").map { Int($0) }
        guard N >= 1, labels.count == N, labels.allSatisfy((0..<network.classes).contains) else {
            throw Fault(.data, file.path, "needs \(N) labels of \(network.classes) classes")
        }
    }

    /// What we call a model of `peers/models.py`: its own origin is VMZ, and C3D, which has one depth only, says none here.
    private static func names(ofModel model: String) -> [String] {
        guard model.hasPrefix("vmz/") else { return ["torchvision/\(model)", "pytorchvideo/\(model)"] }
        let name = String(model.dropFirst(4))
        return [name == "c3d-18" ? "c3d" : name]
    }

    func scalar(_ name: String) throws(Fault) -> Float {
        let values = try file.floats(name)
        guard let value = values.first, values.count == 1 else {
            throw Fault(.data, file.path, "tensor '\(name)' is not a single number")
        }
        return value
    }

    /// The weights of parameter `index` before anything ran.
    func weights(_ index: Int) throws(Fault) -> [Float] {
        let parameter = network.parameters[index]
        return try file.floats("weight/\(parameter.name)", shape: parameter.shape)
    }

    /// The statistics of batch norm `index` before anything ran.
    func statistics(_ index: Int) throws(Fault) -> (mean: [Float], variance: [Float]) {
        let layer = network.statistics[index]
        return (
            try file.floats("weight/\(layer.meanName)", shape: [layer.C]),
            try file.floats("weight/\(layer.varianceName)", shape: [layer.C])
        )
    }

    /// Writes the clips, which the file holds as N C T H W, in our layout N T H W C.
    func fill(_ input: UnsafeMutableBufferPointer<Float>) throws(Fault) {
        let map = network.input
        let extent = map.extent
        let clips = try file.floats("input", shape: [N, map.C, extent.t, extent.h, extent.w])
        for n in 0..<N {
            for c in 0..<map.C {
                for p in 0..<map.positions {
                    input[(n * map.positions + p) * map.C + c] = clips[(n * map.C + c) * map.positions + p]
                }
            }
        }
    }
}
