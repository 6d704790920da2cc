import Kernels

extension Program {
    /// How a batch norm, squeeze-and-excitation and Swish are computed without storing what lies between: the mean over
    /// each clip and the product with Swish read the norm's input.
    package struct Gate: Equatable {
        /// The layers of the mean and of the Swish, which are their tensors too.
        package var pool: Int
        package var swish: Int
        /// The tensor of the numbers that channels are multiplied by.
        package var numbers: Int
    }

    /// What is joined because of a Swish: entries by the last layer of each, and the layers that they stand for.
    struct SwishJoins {
        var entries: [Int: Entry] = [:]
        var absorbed: Set<Int> = []
        private let layers: [Layer]
        private let readers: [[Int]]
        private let keeping: Set<Int>

        /// - Parameters:
        ///   - folds: batch norms that can be folded into convolutions are left for that.
        ///   - keeping: layers whose tensors are made in any case.
        init(_ layers: [Layer], folds: Bool, keeping: Set<Int>) {
            self.layers = layers
            self.keeping = keeping
            var readers = [[Int]](repeating: [], count: layers.count)
            for (index, layer) in layers.enumerated() { for input in layer.inputs { readers[input].append(index) } }
            self.readers = readers
            for (index, layer) in layers.enumerated() {
                switch layer.operation {
                case .batchNorm where !(folds && isFoldable(index)): joinNorm(index)
                case .multiplyChannels where folds && entries[readers[index].first ?? index] == nil: joinProduct(index)
                default: break
                }
            }
        }

        private func isFoldable(_ norm: Int) -> Bool {
            let source = layers[norm].inputs[0]
            guard case .convolution = layers[source].operation else { return false }
            return readers[source].count == 1 && !keeping.contains(source)
        }

        /// The Swish that alone reads a tensor.
        private func swish(behind tensor: Int) -> Int? {
            guard readers[tensor].count == 1, !keeping.contains(tensor),
                case .swish = layers[readers[tensor][0]].operation
            else { return nil }
            return readers[tensor][0]
        }

        private mutating func joinNorm(_ norm: Int) {
            let layer = layers[norm]
            if let swish = swish(behind: norm) {
                var entry = Entry(layer: norm, operation: layer.operation, inputs: layer.inputs, output: swish)
                entry.swish = true
                entries[swish] = entry
                absorbed.insert(norm)
            } else if let (gate, product) = gate(behind: norm) {
                var entry = Entry(layer: norm, operation: layer.operation, inputs: layer.inputs, output: norm)
                entry.gate = gate
                entries[norm] = entry
                var mean = Entry(
                    layer: gate.pool, operation: layers[gate.pool].operation, inputs: [norm], output: gate.pool)
                mean.norm = norm
                entries[gate.pool] = mean
                joinProduct(product)
                entries[gate.swish]?.norm = norm
            }
        }

        private mutating func joinProduct(_ product: Int) {
            guard let swish = swish(behind: product) else { return }
            var entry = Entry(
                layer: product, operation: layers[product].operation, inputs: layers[product].inputs, output: swish)
            entry.swish = true
            entries[swish] = entry
            absorbed.insert(product)
        }

        /// The readers of a norm, if they are the mean over each clip and a product with Swish behind it.
        private func gate(behind norm: Int) -> (gate: Gate, product: Int)? {
            guard readers[norm].count == 2, !keeping.contains(norm) else { return nil }
            let (pool, product) = (readers[norm][0], readers[norm][1])
            guard case .averagePool(let shape) = layers[pool].operation, shape.isGlobal,
                case .multiplyChannels = layers[product].operation, layers[product].inputs[0] == norm,
                layers[product].inputs[1] != norm, let swish = swish(behind: product)
            else { return nil }
            return (Gate(pool: pool, swish: swish, numbers: layers[product].inputs[1]), product)
        }
    }
}
