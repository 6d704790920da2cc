public import Wire

extension SGDSettings {
    /// One step of a chunk: new weights and momentum from the old ones and the gradient summed over the units.
    ///
    /// Element by element, in f32: g = sum · `scale`, + `weightDecay` · w where the chunk decays, then the convention's
    /// formula.
    /// - Parameters:
    ///   - scale: The clipping coefficient over the number of units.
    ///   - rate: The learning rate of the step.
    public func update(
        weights: Payload, momentum: Payload, gradientSum: Payload, scale: Float, rate: Float, decays: Bool,
        pool: PayloadPool
    ) -> (weights: Payload, momentum: Payload) {
        let newWeights = pool.payload(count: weights.count)
        let newMomentum = pool.payload(count: weights.count)
        let width = MemoryLayout<SIMD16<Float>>.size
        let whole = weights.count / width * width
        let decay = decays ? weightDecay : 0
        var offset = 0
        while offset < whole {
            let w = weights.bytes.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            let m = momentum.bytes.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            let sum = gradientSum.bytes.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            let (w1, m1) = step(w, m, sum, scale: scale, rate: rate, decay: decay)
            newWeights.bytes.storeBytes(of: w1, toByteOffset: offset, as: SIMD16<Float>.self)
            newMomentum.bytes.storeBytes(of: m1, toByteOffset: offset, as: SIMD16<Float>.self)
            offset += width
        }
        while offset + 4 <= weights.count {
            // The tail in one lane: the same operations, so the same bits as any other element.
            let w = SIMD16<Float>(repeating: weights.bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            let m = SIMD16<Float>(repeating: momentum.bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            let sum = SIMD16<Float>(
                repeating: gradientSum.bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
            let (w1, m1) = step(w, m, sum, scale: scale, rate: rate, decay: decay)
            newWeights.bytes.storeBytes(of: w1[0], toByteOffset: offset, as: Float.self)
            newMomentum.bytes.storeBytes(of: m1[0], toByteOffset: offset, as: Float.self)
            offset += 4
        }
        return (newWeights, newMomentum)
    }

    @inline(__always)
    private func step(
        _ w: SIMD16<Float>, _ m: SIMD16<Float>, _ sum: SIMD16<Float>, scale: Float, rate: Float, decay: Float
    ) -> (SIMD16<Float>, SIMD16<Float>) {
        let g = sum * scale + w * decay
        switch convention {
        case .rateInMomentum:
            let m1 = m * momentum + g * rate
            return (nesterov ? w - (m1 * (1 + momentum) - m * momentum) : w - m1, m1)
        case .rateOutside:
            let m1 = m * momentum + g
            return (w - (nesterov ? g + m1 * momentum : m1) * rate, m1)
        }
    }
}

extension ChunkPlan.Statistics {
    /// One step of a layer's running statistics: old · retention + new · (1 − retention), in f64, rounded to f32.
    ///
    /// - Parameters:
    ///   - running: f32 means, then variances.
    ///   - sum: f64 means, then biased variances, summed over the units.
    public func update(running: Payload, sum: Payload, units: Int, pool: PayloadPool) -> Payload {
        let result = pool.payload(count: running.count)
        for i in 0..<2 * channels {
            let old = Double(running.bytes.loadUnaligned(fromByteOffset: i * 4, as: Float.self))
            var new = sum.bytes.loadUnaligned(fromByteOffset: i * 8, as: Double.self) / Double(units)
            if i >= channels { new *= varianceScale }
            let mixed = Float(old * retention + new * (1 - retention))
            result.bytes.storeBytes(of: mixed, toByteOffset: i * 4, as: Float.self)
        }
        return result
    }
}
