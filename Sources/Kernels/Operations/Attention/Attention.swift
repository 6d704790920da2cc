public import Faults

/// The core of a non-local block, for each clip: `y[P][K] = A g` with A `[P][Q]` the normalised products of
/// `theta[P][C]` and `phi[Q][C]`, and `g[Q][K]` (Wang et al., "Non-local Neural Networks", CVPR 2018).
///
/// A is computed in slices of rows, whose number depends on P and Q only, and computed again by backward: it is never
/// stored whole. The products are those of linear layers whose weights are phi and g. Results do not depend on the number
/// of threads.
public struct Attention: Sendable {
    public enum Normalisation: Sendable {
        /// Products times C^-1/2, then softmax over Q.
        case softmax
        /// Products over Q.
        case positions
    }

    public let P: Int
    public let Q: Int
    public let C: Int
    public let K: Int
    public let normalisation: Normalisation
    /// `[P][C]` to `[P][Q]` with weights phi.
    private let keys: Linear
    /// `[P][K]` to `[P][Q]` with weights g: backward-data of it is what multiplies A.
    private let values: Linear
    private let kernels: ActivationKernels
    private let elementwise: Elementwise

    /// Values of A in a slice, but for the least of one row. Tests take fewer, to have several slices.
    package var sliceValues = 1 << 21

    /// - Throws: a usage `Fault` when there is no implementation of linear layers of the name asked for.
    public init(
        P: Int, Q: Int, C: Int, K: Int, normalisation: Normalisation, instructionSet: InstructionSet,
        implementation: Convolution.Choice = .auto
    ) throws(Fault) {
        self.P = P
        self.Q = Q
        self.C = C
        self.K = K
        self.normalisation = normalisation
        keys = try Linear(C: C, K: Q, instructionSet: instructionSet, implementation: implementation)
        values = try Linear(C: K, K: Q, instructionSet: instructionSet, implementation: implementation)
        kernels = .table(for: instructionSet)
        elementwise = Elementwise(instructionSet: instructionSet)
    }

    /// Rows of A in a slice.
    private var sliceRows: Int { min(max(sliceValues / Q, 1), P) }

    private var slices: Int { (P + sliceRows - 1) / sliceRows }

    private func rows(_ slice: Int) -> Range<Int> { slice * sliceRows..<min((slice + 1) * sliceRows, P) }

    /// What a call keeps in the scratch.
    private struct Space {
        let keysForward: UnsafeMutablePointer<Float>
        let keysBackward: UnsafeMutablePointer<Float>
        let valuesForward: UnsafeMutablePointer<Float>
        let valuesBackward: UnsafeMutablePointer<Float>
        /// A slice of A, and of its gradient.
        let a: UnsafeMutablePointer<Float>
        let da: UnsafeMutablePointer<Float>
        /// What a slice adds to the gradient of phi or g.
        let part: UnsafeMutablePointer<Float>
        /// Of the linear layers.
        let linear: UnsafeMutablePointer<Float>

        init(_ op: Attention, backward: Bool, _ carving: inout Carving) {
            let both = backward ? 1 : 0
            keysForward = carving.take(op.keys.packedCount(.forward))
            keysBackward = carving.take(both * op.keys.packedCount(.backwardData))
            valuesForward = carving.take(both * op.values.packedCount(.forward))
            valuesBackward = carving.take((1 - both) * op.values.packedCount(.backwardData))
            a = carving.take(op.sliceRows * op.Q)
            da = carving.take(both * op.sliceRows * op.Q)
            part = carving.take(op.slices > 1 ? both * op.Q * max(op.C, op.K) : 0)
            linear = carving.rest
        }
    }

    /// Floats of scratch that forward or backward needs on a pool of `threads`; 64-byte aligned.
    public func scratchCount(backward: Bool, threads: Int) -> Int {
        var carving = Carving.measuring
        _ = Space(self, backward: backward, &carving)
        return carving.floats
            + max(
                keys.scratchCount(N: sliceRows, threads: threads), values.scratchCount(N: sliceRows, threads: threads))
    }

    /// Writes `y`.
    public func forward(
        N: Int, theta: UnsafePointer<Float>, phi: UnsafePointer<Float>, g: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let space = Space(self, backward: false, &carving)
        for n in 0..<N {
            let theta = theta + n * P * C
            let y = y + n * P * K
            keys.pack(weights: phi + n * Q * C, into: space.keysForward, for: .forward, pool: pool)
            values.pack(weights: g + n * Q * K, into: space.valuesBackward, for: .backwardData, pool: pool)
            for slice in 0..<slices {
                let rows = rows(slice)
                weigh(rows, theta, space, pool)
                values.backwardData(
                    N: rows.count, dy: space.a, packed: space.valuesBackward, dx: y + rows.lowerBound * K,
                    scratch: space.linear, pool: pool)
            }
        }
    }

    /// Where gradients go; nil: nobody wants that one.
    public struct Gradients {
        public var theta: UnsafeMutablePointer<Float>?
        public var phi: UnsafeMutablePointer<Float>?
        public var g: UnsafeMutablePointer<Float>?

        public init(
            theta: UnsafeMutablePointer<Float>?, phi: UnsafeMutablePointer<Float>?, g: UnsafeMutablePointer<Float>?
        ) {
            self.theta = theta
            self.phi = phi
            self.g = g
        }
    }

    /// Writes the gradients.
    public func backward(
        N: Int, theta: UnsafePointer<Float>, phi: UnsafePointer<Float>, g: UnsafePointer<Float>,
        dy: UnsafePointer<Float>, gradients: Gradients, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let space = Space(self, backward: true, &carving)
        for n in 0..<N {
            let (theta, phi, g) = (theta + n * P * C, phi + n * Q * C, g + n * Q * K)
            let dy = dy + n * P * K
            keys.pack(weights: phi, into: space.keysForward, for: .forward, pool: pool)
            keys.pack(weights: phi, into: space.keysBackward, for: .backwardData, pool: pool)
            values.pack(weights: g, into: space.valuesForward, for: .forward, pool: pool)
            for slice in 0..<slices {
                let rows = rows(slice)
                let (x, dy) = (theta + rows.lowerBound * C, dy + rows.lowerBound * K)
                weigh(rows, theta, space, pool)
                if let dg = gradients.g {
                    sum(slice, values, rows, x: dy, dy: space.a, into: dg + n * Q * K, space, pool)
                }
                guard gradients.theta != nil || gradients.phi != nil else { continue }
                values.forward(
                    N: rows.count, x: dy, packed: space.valuesForward, bias: nil, y: space.da, scratch: space.linear,
                    pool: pool)
                weighBackward(rows, space, pool)
                if let dtheta = gradients.theta {
                    keys.backwardData(
                        N: rows.count, dy: space.da, packed: space.keysBackward,
                        dx: dtheta + (n * P + rows.lowerBound) * C, scratch: space.linear, pool: pool)
                }
                if let dphi = gradients.phi {
                    sum(slice, keys, rows, x: x, dy: space.da, into: dphi + n * Q * C, space, pool)
                }
            }
        }
    }

    /// What softmax multiplies the products with, or what they are divided by.
    private var factor: Float {
        switch normalisation {
        case .softmax: 1 / Float(C).squareRoot()
        case .positions: 1 / Float(Q)
        }
    }

    /// Computes rows of A.
    private func weigh(_ rows: Range<Int>, _ theta: UnsafePointer<Float>, _ space: Space, _ pool: ThreadPool) {
        keys.forward(
            N: rows.count, x: theta + rows.lowerBound * C, packed: space.keysForward, bias: nil, y: space.a,
            scratch: space.linear, pool: pool)
        eachRow(rows.count, pool) { row in
            let a = space.a + row * Q
            switch normalisation {
            case .softmax: kernels.softmax(Q, factor, a)
            case .positions: kernels.scale(Q, factor, a, a)
            }
        }
    }

    /// Turns the gradient of rows of A into that of the products.
    private func weighBackward(_ rows: Range<Int>, _ space: Space, _ pool: ThreadPool) {
        eachRow(rows.count, pool) { row in
            let (a, da) = (space.a + row * Q, space.da + row * Q)
            switch normalisation {
            case .softmax: kernels.softmaxBackward(Q, factor, a, da)
            case .positions: kernels.scale(Q, factor, da, da)
            }
        }
    }

    /// A weight gradient of `layer`: the first slice writes it, the others add to it in order.
    private func sum(
        _ slice: Int, _ layer: Linear, _ rows: Range<Int>, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>, _ space: Space, _ pool: ThreadPool
    ) {
        let part = slice == 0 ? target : space.part
        layer.backwardWeights(
            N: rows.count, x: x, dy: dy, dw: part, db: nil, scratch: space.linear, pool: pool)
        if slice > 0 { elementwise.add(count: layer.macs, target, part, y: target, pool: pool) }
    }

    private func eachRow(_ count: Int, _ pool: ThreadPool, _ body: (Int) -> Void) {
        let piece = max((1 << 14) / Q, 1)
        pool.run((count + piece - 1) / piece) { for row in $0 * piece..<min(($0 + 1) * piece, count) { body(row) } }
    }
}
