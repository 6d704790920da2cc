import Checkpoints
import Evaluation
import Faults
import Kernels
import Models
import Training
import Worker

/// What VMZ's `extract_features` writes: arrays under the names of Caffe2's blobs.
struct VMZFeatures {
    /// Blobs that are no layer: by VMZ's name the column of a table of features, and the type of VMZ's array.
    private static let keys: [String: ElementType] = ["label": .i32, "video_id": .i64, "start_frame": .i32]

    private let names: [String]
    /// By blob the layer: where a ReLU stands behind a layer, Caffe2 writes it over the layer's own blob.
    private let layerOf: [String: String]
    private let network: NetworkDescription

    /// - Throws: a usage `Fault` for a blob that the recipe's network does not have.
    init(_ names: [String], recipe path: String) throws(Fault) {
        let recipe = try Recipe.read(try RunPreparation.document(recipe: path, assignments: [])).recipe
        let network = try recipe.testNetwork(
            classes: recipe.model.classes, height: recipe.input.crop, width: recipe.input.crop)
        var layerOf: [String: String] = [:]
        for name in names where Self.keys[name] == nil {
            if name != "softmax" { _ = try network.layer(named: name) }
            layerOf[name] = network.layers.contains { $0.name == name + "/relu" } ? name + "/relu" : name
        }
        guard !layerOf.isEmpty else {
            throw Fault(.usage, "--features", "\(names.joined(separator: ",")) names no layer", mend: "add softmax")
        }
        (self.names, self.layerOf, self.network) = (names, layerOf, network)
    }

    /// The layers to ask `zoetrope features` for.
    var layers: [String] { names.compactMap { layerOf[$0] } }

    /// Writes what `zoetrope features` made of `layers` as VMZ's pickle: maps as N C T H W, the softmax as N C.
    /// - Returns: how many rows there are.
    func write(from table: String, to path: String) throws(Fault) -> Int {
        let file = try Checkpoint.read(table)
        var arrays: [CheckpointTensor] = []
        for name in names {
            guard let tensor = file.tensors.first(where: { $0.name == layerOf[name] ?? name }) else {
                throw Fault(.internal, name, "is not in the table of features")
            }
            arrays.append(Self.keys[name].map { Self.key(tensor, name, $0) } ?? array(tensor, name))
        }
        try Checkpoint(path: path, format: .caffe2Pickle, tensors: arrays, metadata: [:]).writeArrays(to: path)
        return arrays.first?.shape.first ?? 0
    }

    /// - Parameter tensor: i64, of which an i32 takes the lower half: labels and frames are below 2^31.
    private static func key(_ tensor: CheckpointTensor, _ name: String, _ type: ElementType) -> CheckpointTensor {
        let bytes =
            type == .i64
            ? tensor.bytes : stride(from: 0, to: tensor.bytes.count, by: 8).flatMap { tensor.bytes[$0..<$0 + 4] }
        return CheckpointTensor(name: name, shape: tensor.shape, elementType: type, bytes: bytes)
    }

    private func array(_ tensor: CheckpointTensor, _ name: String) -> CheckpointTensor {
        guard let layer = layerOf[name], let found = network.layers.first(where: { $0.name == layer }) else {
            return CheckpointTensor(name: name, shape: tensor.shape, elementType: .f32, bytes: tensor.bytes)
        }
        // T H W C becomes C T H W; the last, fully connected layer has no places in Caffe2.
        let (map, rows) = (found.map, tensor.shape[0])
        let places = map.positions
        var bytes = [UInt8](repeating: 0, count: tensor.bytes.count)
        for row in 0..<rows {
            for place in 0..<places {
                for c in 0..<map.C {
                    let (from, to) = (
                        4 * ((row * places + place) * map.C + c), 4 * ((row * map.C + c) * places + place)
                    )
                    for i in 0..<4 { bytes[to + i] = tensor.bytes[from + i] }
                }
            }
        }
        let extent = [map.extent.t, map.extent.h, map.extent.w]
        let isLinear = if case .linear = found.operation { true } else { false }
        return CheckpointTensor(
            name: name, shape: [rows, map.C] + (isLinear ? [] : extent), elementType: .f32, bytes: bytes)
    }
}
