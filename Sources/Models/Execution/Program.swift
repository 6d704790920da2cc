/// A network as it is executed: its layers in order, runs of them joined where one kernel does the work of several.
package struct Program {
    package struct Entry: Equatable {
        /// The layer that gives the entry its operation.
        package var layer: Int
        package var operation: Operation
        /// The tensors that it reads; a residual is the last.
        package var inputs: [Int]
        /// The tensor that it makes, by the number of the layer that makes it in the description.
        package var output: Int
        /// Of a batch norm: the tensor that is added to its result in the same pass over memory.
        package var residual: Int?
        /// Of a batch norm: whether a ReLU is joined to it, behind the sum if there is one.
        package var relu = false
        /// Of a batch norm with a ReLU: its result need not be stored, as its only reader, a convolution, can compute it.
        package var deferrable = false
        /// Whether a Swish is joined to a batch norm, or to a product of channels.
        package var swish = false
        /// Of a batch norm that is not stored, as those that read it compute it.
        package var gate: Gate?
        /// Of those readers: the batch norm's layer.
        package var norm: Int?
        /// Of a convolution: the layer of the batch norm whose statistics are fixed and that its weights hold, with what
        /// is joined to that.
        package var folded: Int?
    }

    package let entries: [Entry]

    /// - Parameters:
    ///   - folds: joins batch norms to the convolutions before them: for statistics that do not change.
    ///   - keeping: layers whose tensors are made whatever could be joined to them: somebody outside reads them.
    package init(_ network: NetworkDescription, folds: Bool = false, keeping: Set<Int> = []) {
        let layers = network.layers
        var readers = network.readers
        for layer in keeping { readers[layer] += 1 }
        // The only reader of each tensor, where there is just one.
        var next = [Int?](repeating: nil, count: layers.count)
        for (index, layer) in layers.enumerated() {
            for input in layer.inputs where readers[input] == 1 { next[input] = index }
        }
        // What stands at the last layer of each run of joined layers.
        let swishes = SwishJoins(layers, folds: folds, keeping: keeping)
        var (joined, absorbed) = (swishes.entries, swishes.absorbed)
        for (index, layer) in layers.enumerated() {
            guard case .batchNorm = layer.operation, let after = next[index] else { continue }
            if case .relu = layers[after].operation {
                joined[after] = Entry(
                    layer: index, operation: layer.operation, inputs: layer.inputs, output: after, relu: true)
                absorbed.insert(index)
            } else if case .add = layers[after].operation, let last = next[after], joined[last] == nil,
                case .relu = layers[last].operation,
                let residual = layers[after].inputs.first(where: { $0 != index })
            {
                joined[last] = Entry(
                    layer: index, operation: layer.operation, inputs: layer.inputs + [residual], output: last,
                    residual: residual, relu: true)
                absorbed.formUnion([index, after])
            }
        }
        var entries: [Entry] = layers.enumerated().compactMap { index, layer in
            if case .input = layer.operation { return nil }
            if absorbed.contains(index) { return nil }
            return joined[index]
                ?? Entry(layer: index, operation: layer.operation, inputs: layer.inputs, output: index)
        }
        for (place, entry) in entries.enumerated() where entry.relu && entry.residual == nil {
            guard let reader = next[entry.output], case .convolution = layers[reader].operation else { continue }
            entries[place].deferrable = true
        }
        self.entries = folds ? Self.folded(entries, layers, readers) : entries
    }

    /// Puts each convolution that only a batch norm reads in that one's place.
    private static func folded(_ entries: [Entry], _ layers: [Layer], _ readers: [Int]) -> [Entry] {
        var gone: Set<Int> = []
        let folded = entries.map { entry in
            guard case .batchNorm = entry.operation, let source = entry.inputs.first,
                case .convolution = layers[source].operation, readers[source] == 1
            else { return entry }
            gone.insert(source)
            var convolution = entry
            convolution.layer = source
            convolution.operation = layers[source].operation
            convolution.inputs = layers[source].inputs + (entry.residual.map { [$0] } ?? [])
            convolution.deferrable = false
            convolution.folded = entry.layer
            return convolution
        }
        return folded.filter { !gone.contains($0.output) }
    }
}

extension NetworkDescription {
    /// The order in which a backward pass finishes the parameters' gradients, deepest layers first. It depends on the
    /// network alone.
    public var gradientOrder: [Int] {
        Program(self).entries.reversed().flatMap { parameters(ofLayer: $0.layer).reversed() }
    }
}
