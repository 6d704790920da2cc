public import Faults

/// Times the three passes of convolution layers beside the processor's peak: what `bench kernels` prints.
///
/// Calls of all passes alternate with measurements of the peak and the bandwidth, and each figure is the best of its calls: others may be
/// using the machine.
public struct KernelBenchmark: Sendable {
    public let instructionSet: InstructionSet
    public let threads: Int
    /// Clips in a batch.
    public let N: Int
    /// Seconds that one layer may take.
    public let seconds: Double
    public let implementation: Convolution.Choice

    public init(
        instructionSet: InstructionSet = .best, threads: Int = 1, N: Int = 1, seconds: Double = 2,
        implementation: Convolution.Choice = .auto
    ) {
        precondition(threads >= 1 && N >= 1, "a benchmark of \(N) clips on \(threads) threads")
        self.instructionSet = instructionSet
        self.threads = threads
        self.N = N
        self.seconds = seconds
        self.implementation = implementation
    }

    /// What was measured for one layer.
    public struct Row: Sendable {
        public let layer: LayerShapes.Named
        public let implementation: String
        /// GFLOP/s, counted at two for each multiplication of `ConvolutionShape.macs`: taps in the padding count too.
        public let forward: Double
        public let backwardData: Double
        public let backwardWeights: Double
        /// Milliseconds to pack the weights for both passes, once per step.
        public let packing: Double
        /// The peak of the same threads in the same seconds, GFLOP/s: of bf16 where a pass computes in it.
        public let peak: Double
        /// What the same threads copied in the same seconds, GB/s.
        public let bandwidth: Double
        /// Clips.
        public let N: Int

        /// Gigabytes that a pass moves at least: the input, the output and the weights, or their gradients, once each.
        public var gigabytes: Double {
            let shape = layer.shape
            return 4e-9 * Double(N * (shape.inputCount + shape.outputCount) + shape.weightCount)
        }

        /// Billions of operations of a pass.
        public var gigaOperations: Double { 2e-9 * Double(N * layer.shape.macs) }

        /// The share of the bandwidth that a pass at `rate` GFLOP/s uses. Layers that the caches hold can go beyond 1.
        public func shareOfBandwidth(_ rate: Double) -> Double { gigabytes / (gigaOperations / rate) / bandwidth }

        /// The share of the peak that a pass at `rate` GFLOP/s reaches.
        public func shareOfPeak(_ rate: Double) -> Double { rate / peak }

        /// Whether moving the bytes takes longer than the arithmetic.
        public var isBoundByMemory: Bool { gigabytes / bandwidth > gigaOperations / peak }

        /// The share that counts: of the bandwidth or of the peak, whichever bounds the layer.
        public func share(_ rate: Double) -> Double {
            isBoundByMemory ? shareOfBandwidth(rate) : shareOfPeak(rate)
        }
    }

    /// Runs one layer.
    /// - Throws: a `Fault` when the layer falls back to the plain reference, which no shipped model may.
    public func run(_ layer: LayerShapes.Named) throws(Fault) -> Row {
        let shape = layer.shape
        let convolution = try Convolution(shape, instructionSet: instructionSet, implementation: implementation)
        guard !convolution.chosen.contains("plain") else {
            throw Fault(.internal, "\(layer)", "no implementation but the plain reference accepts it")
        }
        let pool = ThreadPool(threads: threads)
        let yardstick = convolution.chosen.contains(BF16Convolution.name) ? instructionSet : instructionSet.inF32
        let x = allocate(N * shape.inputCount)
        let y = allocate(N * shape.outputCount)
        let w = allocate(shape.weightCount)
        let dx = allocate(N * shape.inputCount)
        let dw = allocate(shape.weightCount)
        let forward = allocate(convolution.packedCount(.forward))
        let backward = allocate(convolution.packedCount(.backwardData))
        let packings = [(Convolution.Pass.forward, forward), (.backwardData, backward)]
        // What reads the canonical weights has nothing to pack, in a training step.
        for (pass, packed) in packings { convolution.pack(weights: w, into: packed, for: pass, pool: pool) }
        let scratch = allocate(convolution.scratchCount(N: N, threads: threads))
        defer { for memory in [x, y, w, dx, dw, forward, backward, scratch] { memory.deallocate() } }

        let copy = BandwidthCopy()
        defer { copy.deallocate() }
        var (best, peak, bandwidth) = (
            (pack: Double.infinity, y: Double.infinity, dx: Double.infinity, dw: Double.infinity), 0.0, 0.0
        )
        let began = monotonicSeconds()
        repeat {
            peak = max(peak, measurePeak(instructionSet: yardstick, pool: pool, rounds: 3))
            bandwidth = max(bandwidth, copy.measure(instructionSet: instructionSet, pool: pool, rounds: 1))
            for _ in 0..<3 {
                best.pack = min(
                    best.pack,
                    timed {
                        for (pass, packed) in packings where !convolution.readsCanonical(pass) {
                            convolution.pack(weights: w, into: packed, for: pass, pool: pool)
                        }
                    })
                best.y = min(
                    best.y,
                    timed { convolution.forward(N: N, x: x, packed: forward, y: y, scratch: scratch, pool: pool) })
                best.dx = min(
                    best.dx,
                    timed {
                        convolution.backwardData(
                            N: N, dy: y, packed: backward, dx: dx, accumulate: false, scratch: scratch, pool: pool)
                    })
                best.dw = min(
                    best.dw,
                    timed {
                        convolution.backwardWeights(N: N, x: x, dy: y, dw: dw, scratch: scratch, pool: pool)
                    })
            }
        } while monotonicSeconds() - began < seconds
        let operations = 2 * Double(N * shape.macs) / 1e9
        return Row(
            layer: layer, implementation: convolution.implementation, forward: operations / best.y,
            backwardData: operations / best.dx, backwardWeights: operations / best.dw, packing: best.pack * 1e3,
            peak: peak, bandwidth: bandwidth / 1e9, N: N)
    }

    /// 64-byte aligned floats of ordinary size.
    private func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16) * 4, alignment: 64)
        let floats = memory.bindMemory(to: Float.self, capacity: count)
        for i in 0..<count { floats[i] = Float(i % 23) * 0.05 - 0.5 }
        return floats
    }

    private func timed(_ body: () -> Void) -> Double {
        let began = monotonicSeconds()
        body()
        return monotonicSeconds() - began
    }
}
