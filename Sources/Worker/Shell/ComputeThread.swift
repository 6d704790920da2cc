import Faults
import Protocol
import Synchronization
import Threads
import Training
import Wire

/// The thread of a worker that computes, and the order of what it is told: weights, units, weights, units.
final class ComputeThread: Sendable {
    /// What it answers, with the number of the unit that it answers for.
    struct Answer: Sendable {
        var event: WorkerEvent
        /// 0 where it belongs to no unit.
        var number: Int
    }

    private let thread = TaskThread(name: "compute")
    private let state = Confined(State())
    private let pool: PayloadPool
    private let build: @Sendable (Welcome) throws(Fault) -> WorkerBuild
    /// Units are numbered as they are ordered; all up to this number are cancelled.
    private let cancelled = Atomic<Int>(0)
    private let ordered = Atomic<Int>(0)
    private let clips = Mutex((ahead: 0, times: DecodingTimes()))

    private final class State {
        var build: WorkerBuild?
        /// What clips had cost before it: a worker that was taken for dead builds anew, and each build counts from nothing.
        var before = DecodingTimes()
    }

    init(pool: PayloadPool, build: @escaping @Sendable (Welcome) throws(Fault) -> WorkerBuild) {
        self.pool = pool
        self.build = build
    }

    /// Clips that waited decoded after the last unit, and what clips had cost until then.
    var decoding: (ahead: Int, times: DecodingTimes) { clips.withLock { $0 } }

    func prepare(_ welcome: Welcome, answer: @escaping @Sendable (Answer) -> Void) {
        let (state, build) = (state, build)
        thread.post { [self] in
            state.value.build = nil
            state.value.before = decoding.times
            do throws(Fault) {
                let built = try build(welcome)
                state.value.build = built
                answer(Answer(event: .prepared(built.preparation), number: 0))
            } catch {
                answer(Answer(event: .preparationFailed(error), number: 0))
            }
        }
    }

    func load(chunk: Int, _ weights: Payload) {
        let state = state
        thread.post {
            guard let build = state.value.build else { return }
            let bytes = UnsafeRawBufferPointer(weights.bytes)
            switch build.preparation.plan.chunks[chunk].content {
            case .parameter(let index, let elements):
                build.computing.load(parameter: index, elements: elements, bytes)
            case .statistics(let layer): build.computing.load(statistics: layer, bytes)
            }
        }
    }

    func prefetch(step: Int, _ block: UnitBlock) {
        let state = state
        thread.post {
            guard let build = state.value.build else { return }
            let end = min(block.end, build.preparation.units)
            guard block.first < end else { return }
            build.computing.prefetch(step: step, units: block.first..<end)
        }
    }

    func compute(lease: UInt64, step: Int, unit: Int, answer: @escaping @Sendable (Answer) -> Void) {
        let number = ordered.add(1, ordering: .sequentiallyConsistent).newValue
        thread.post { [self] in
            guard !isCancelled(number), let build = state.value.build else { return }
            let sink = sink(build.preparation.plan, lease: lease, unit: unit, number: number, answer)
            do throws(Fault) {
                let record = try build.computing.compute(step: step, unit: unit, sink: sink)
                answer(Answer(event: .unitComputed(lease: lease, record), number: number))
            } catch {
                answer(Answer(event: .unitFailed(lease: lease, reason: "\(error)"), number: number))
            }
            let now = (
                ahead: build.computing.decodedAhead, times: state.value.before + build.computing.decoding
            )
            clips.withLock { $0 = now }
        }
    }

    /// Everything ordered so far is of no interest any more.
    func cancel() {
        cancelled.store(ordered.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
    }

    func isCancelled(_ number: Int) -> Bool {
        number != 0 && number <= cancelled.load(ordering: .sequentiallyConsistent)
    }

    func finish() { thread.finish() }

    /// Cuts gradients into chunks, in memory that goes to the network as it is.
    private func sink(
        _ plan: ChunkPlan, lease: UInt64, unit: Int, number: Int, _ answer: @escaping @Sendable (Answer) -> Void
    ) -> GradientSink {
        let pool = pool
        func tell(_ chunk: Int, _ payload: Payload) {
            answer(Answer(event: .gradient(lease: lease, unit: unit, chunk: chunk, payload), number: number))
        }
        return GradientSink(
            parameter: { index, bytes in
                precondition(bytes.count == 4 * plan.parameters[index].count, "the gradient of parameter \(index)")
                for chunk in plan.chunks(ofParameter: index) {
                    guard case .parameter(_, let elements) = plan.chunks[chunk].content else { continue }
                    let part = bytes[4 * elements.lowerBound..<4 * elements.upperBound]
                    tell(chunk, pool.payload(copying: UnsafeRawBufferPointer(rebasing: part)))
                }
            },
            statistics: { layer, means, variances in
                let half = 8 * plan.statistics[layer].channels
                let (means, variances) = (UnsafeRawBufferPointer(means), UnsafeRawBufferPointer(variances))
                precondition(means.count == half && variances.count == half, "the statistics of layer \(layer)")
                let payload = pool.payload(count: 2 * half)
                UnsafeMutableRawBufferPointer(rebasing: payload.bytes[..<half]).copyMemory(from: means)
                UnsafeMutableRawBufferPointer(rebasing: payload.bytes[half...]).copyMemory(from: variances)
                tell(plan.chunk(ofStatistics: layer), payload)
            }, cancelled: { self.isCancelled(number) })
    }
}
