public import Faults
public import Models
public import Training

/// What a recipe makes: the network, how its state is cut into chunks, and how it starts. Coordinator and workers build
/// the same from the same text. The values of a file that the recipe names are the coordinator's to ship.
public struct TrainingJob: Sendable {
    public let recipe: Recipe
    public let network: NetworkDescription
    public let plan: ChunkPlan

    /// - Parameter recipe: Resolved: `model.classes` is not 0.
    /// - Throws: `Fault.usage` for an unknown network, or a clip that it does not take, of any shape that the run will have.
    public init(_ recipe: Recipe) throws(Fault) {
        self.recipe = recipe
        network = try recipe.network(classes: recipe.model.classes)
        for clip in recipe.clipShapes.dropFirst() {
            let shaped = try recipe.network(classes: recipe.model.classes, clip: clip)
            let isSame = shaped.statistics.elementsEqual(network.statistics) {
                $0.C == $1.C && $0.meanName == $1.meanName && $0.varianceName == $1.varianceName
            }
            guard shaped.parameters == network.parameters, isSame else {
                throw Fault(
                    .usage, recipe.model.name,
                    "has other parameters for clips of \(clip.frames)x\(clip.crop)x\(clip.crop), which multigrid asks for, than "
                        + "for whole ones", mend: "take [multigrid] out, or choose other shares")
            }
        }
        let groups = try ParameterGroups(recipe.optimizer, parameters: network.parameters.map(\.name))
        let frozen =
            recipe.optimizer.freezesStatistics
            ? network.statistics.map { _ in true } : network.frozenStatistics(parameters: groups.isFrozen)
        plan = ChunkPlan(
            parameters: network.parameters.enumerated().map { index, parameter in
                ChunkPlan.Parameter(
                    count: parameter.count, weightDecay: recipe.weightDecay(role: parameter.role.rawValue),
                    isFrozen: groups.isFrozen[index], rate: groups.rates[index])
            },
            statistics: network.statistics.enumerated().map { index, layer in
                // A unit's variance arrives as its family counts it, so nothing is left to scale.
                ChunkPlan.Statistics(
                    channels: layer.C, retention: 1 - layer.momentum, varianceScale: 1, isFrozen: frozen[index])
            }, slots: recipe.update.slots)
    }

    /// Writes the state of a chunk before the first step: weights from the seed, means 0, variances 1.
    public func initialWeights(_ chunk: Chunk, into out: UnsafeMutableBufferPointer<Float>) {
        switch chunk.content {
        case .parameter(let index, let range):
            network.initialValue(parameter: index, range: range, seed: recipe.seed, into: out)
        case .statistics(let index):
            let C = network.statistics[index].C
            for c in 0..<C {
                out[c] = 0
                out[C + c] = 1
            }
        }
    }

    /// The network laid out for clips of another shape.
    func network(_ clip: ClipShape) throws(Fault) -> NetworkDescription {
        let isWhole = clip.frames == recipe.input.frames && clip.crop == recipe.input.crop
        return isWhole ? network : try recipe.network(classes: recipe.model.classes, clip: clip)
    }
}
