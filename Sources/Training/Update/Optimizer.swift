public import Wire

/// How shards update what they own: the method, what is done to the gradient before, and what is averaged after.
public struct OptimizerSettings: Sendable, Hashable {
    public enum Method: Sendable, Hashable {
        case sgd(SGDSettings)
        case adam(AdamSettings)
    }

    public var method: Method
    /// Elements of the mean gradient are cut to [−this, this], as PyTorch's `clip_grad_value_` does; 0: they are not.
    public var clipValue: Float
    /// What a moving average of weights and running statistics keeps of its old value at each step, in [0, 1); 0: there is
    /// no average.
    public var averageDecay: Double

    public init(_ method: Method, clipValue: Float = 0, averageDecay: Double = 0) {
        self.method = method
        self.clipValue = clipValue
        self.averageDecay = averageDecay
    }

    /// What is kept of each parameter, in the order of `update`.
    public var slots: [Slot] {
        let own: [Slot] =
            switch method {
            case .sgd: [.weights, .momentum]
            case .adam: [.weights, .firstMoment, .secondMoment]
            }
        return averageDecay > 0 ? own + [.average] : own
    }

    /// One step of a chunk of a parameter: the new slots from the old ones and the gradient summed over the units.
    ///
    /// Element by element, in f32: g = sum · `scale`, cut to `clipValue`, then the method's formula.
    /// - Parameters:
    ///   - slots: As `self.slots` names them.
    ///   - scale: The clipping coefficient over the number of units.
    ///   - rate: The learning rate of the step for this chunk.
    ///   - weightDecay: Of this chunk; 0: none.
    ///   - step: From 0; skipped steps count.
    public func update(
        _ slots: [Payload], gradientSum: Payload, scale: Float, rate: Float, weightDecay: Float, step: Int,
        pool: PayloadPool
    ) -> [Payload] {
        let count = slots[0].count
        let new = (0..<self.slots.count - (averageDecay > 0 ? 1 : 0)).map { _ in pool.payload(count: count) }
        let cuts = clipValue > 0
        let (least, most) = (Lanes(repeating: -clipValue), Lanes(repeating: clipValue))
        @inline(__always) func gradient(_ offset: Int, _ isWhole: Bool) -> Lanes {
            let g = gradientSum.lanes(at: offset, isWhole: isWhole) * scale
            guard cuts else { return g }
            return g.replacing(with: most, where: g .> most).replacing(with: least, where: g .< least)
        }
        switch method {
        case .sgd(let settings):
            let (weights, momentum, newWeights, newMomentum) = (slots[0], slots[1], new[0], new[1])
            forEachLanes(bytes: count) { offset, isWhole in
                let (w, m) = settings.step(
                    weights.lanes(at: offset, isWhole: isWhole), momentum.lanes(at: offset, isWhole: isWhole),
                    gradient(offset, isWhole), rate: rate, decay: weightDecay)
                newWeights.store(w, at: offset, isWhole: isWhole)
                newMomentum.store(m, at: offset, isWhole: isWhole)
            }
        case .adam(let settings):
            let formula = AdamSettings.Step(settings, rate: rate, decay: weightDecay, number: step + 1)
            let (weights, first, second) = (slots[0], slots[1], slots[2])
            let (newWeights, newFirst, newSecond) = (new[0], new[1], new[2])
            forEachLanes(bytes: count) { offset, isWhole in
                let (w, m, v) = formula(
                    weights.lanes(at: offset, isWhole: isWhole), first.lanes(at: offset, isWhole: isWhole),
                    second.lanes(at: offset, isWhole: isWhole), gradient(offset, isWhole))
                newWeights.store(w, at: offset, isWhole: isWhole)
                newFirst.store(m, at: offset, isWhole: isWhole)
                newSecond.store(v, at: offset, isWhole: isWhole)
            }
        }
        return averageDecay > 0 ? new + [average(slots[new.count], with: new[0], pool: pool)] : new
    }

    /// One step of a layer's running statistics, and of their average where there is one.
    /// - Parameters:
    ///   - slots: The running statistics, then their average.
    ///   - sum: f64 means, then variances, summed over the units.
    public func update(
        _ slots: [Payload], of layer: ChunkPlan.Statistics, sum: Payload, units: Int, pool: PayloadPool
    ) -> [Payload] {
        let running = layer.update(running: slots[0], sum: sum, units: units, pool: pool)
        return averageDecay > 0 ? [running, average(slots[1], with: running, pool: pool)] : [running]
    }

    /// average + (new − average) · (1 − decay).
    private func average(_ old: Payload, with new: Payload, pool: PayloadPool) -> Payload {
        let result = pool.payload(count: old.count)
        let share = Float(1 - averageDecay)
        forEachLanes(bytes: old.count) { offset, isWhole in
            let a = old.lanes(at: offset, isWhole: isWhole)
            result.store(
                a + (new.lanes(at: offset, isWhole: isWhole) - a) * share, at: offset, isWhole: isWhole)
        }
        return result
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
