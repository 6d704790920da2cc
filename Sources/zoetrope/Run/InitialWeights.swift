import Checkpoints
import Configuration
import Coordinator
import Evaluation
import Faults
import Foundation
import Models
import Reporting
import Storage
import Training
import Worker

extension Recipe.InitialWeights {
    var options: LoadOptions {
        LoadOptions(
            inflation: LoadOptions.Inflation(rawValue: inflation.rawValue), replacesHead: replacesHead,
            allowsMissing: allowsMissing, allowsUnexpected: allowsUnexpected)
    }

    /// Puts into the document which file this is: its absolute path and its digest.
    ///
    /// - Parameter begun: What the run was begun with, if it was: then the file may be gone, and of a run's folder the
    ///   checkpoint stays that was the newest then.
    /// - Throws: `Fault` when there is no such file, or it is not the one the recipe means.
    func resolve(in document: inout Document, begun: Recipe.InitialWeights?) throws(Fault) {
        let asked = try absolute(path)
        var file = asked
        var digest = ""
        if let begun, begun.path == asked || begun.path.hasPrefix(asked + "/") {
            (file, digest) = (begun.path, begun.sha256)
        } else {
            file = try checkpointFile(asked)
        }
        if digest.isEmpty || pathExists(file) { digest = "\(try fileDigest(file))" }
        guard sha256.isEmpty || sha256 == digest else {
            throw Fault(
                .data, file, "has SHA-256 \(digest), but the recipe means \(sha256)",
                mend: "find the file that it means, or take model.weights_sha256 out")
        }
        document.set("model.weights", to: .string(file), origin: document.entries["model.weights"]?.origin ?? file)
        document.set("model.weights_sha256", to: .string(digest), origin: file)
    }
}

extension RunPreparation {
    /// What makes the state before the first step, where the seed alone does not.
    var initialState: (() throws(Fault) -> InitialState)? {
        guard let weights = recipe.model.initialWeights else { return nil }
        let job = job
        func make() throws(Fault) -> InitialState { try job.initialState(weights) }
        return make
    }
}

extension TrainingJob {
    /// The state before the first step, the file's where it has it and the seed's elsewhere; tells the load report.
    ///
    /// - Throws: `Fault` when the file is gone or changed, or does not fit.
    func initialState(_ weights: Recipe.InitialWeights) throws(Fault) -> InitialState {
        let checkpoint = try Checkpoint.read(weights.path)
        // Read first, then compared: what was compared is what was read, unless somebody writes into it just now.
        guard "\(try fileDigest(weights.path))" == weights.sha256 else {
            throw Fault(
                .data, weights.path, "is not the file that the run was begun with",
                mend: "put the file with SHA-256 \(weights.sha256) back")
        }
        let tensors = try LoadedTensors(
            checkpoint, into: network.tensorTargets, of: network.name, options: weights.options)
        standardError("zoetrope: \(tensors.report.text)\n")
        return InitialState { chunk, out in
            initialWeights(chunk, into: out)
            switch chunk.content {
            case .parameter(let index, let range):
                guard let values = tensors[network.parameters[index].name] else { return }
                _ = out.update(fromContentsOf: values[range])
            case .statistics(let index):
                let layer = network.statistics[index]
                if let mean = tensors[layer.meanName] { _ = out[..<layer.C].update(fromContentsOf: mean) }
                if let variance = tensors[layer.varianceName] { _ = out[layer.C...].update(fromContentsOf: variance) }
            }
        }
    }
}
