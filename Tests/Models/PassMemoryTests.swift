import Kernels
import Models
import Testing

/// Passes over clips of several shapes that run in one piece of memory, as multigrid's steps do.
struct PassMemoryTests {
    /// Frames, crop and clips of a group.
    private static let shapes = [(8, 32, 2), (4, 24, 2), (8, 16, 4), (2, 32, 3)]

    private static func network(_ shape: (Int, Int, Int)) throws -> NetworkDescription {
        var options = NetworkOptions()
        options.channelMultiplier = 0.125
        return try NetworkDescription(
            named: "r2plus1d-10", classes: 5, frames: shape.0, size: shape.1, options: options)
    }

    private static func pass(_ shape: (Int, Int, Int), memory: PassMemory?, keepsPacked: Bool) throws -> TrainingPass {
        try TrainingPass(
            try network(shape), N: shape.2, pool: ThreadPool(threads: 2), instructionSet: .best,
            policy: MemoryPolicy(keepsPacked: keepsPacked), memory: memory)
    }

    /// Sets everything that a run reads, runs, and tells all that comes of it.
    private static func run(_ pass: TrainingPass, round: Int) -> [[Float]] {
        for (index, parameter) in pass.network.parameters.enumerated() {
            pass.setParameter(
                index, PassTests.values(parameter.count, place: 100 * round + index, deviation: 0.1, centre: 0.05))
        }
        let clips = PassTests.values(pass.input.count, place: 5000 + round, deviation: 1)
        _ = pass.input.update(fromContentsOf: clips)
        var gradients = [[Float]](repeating: [], count: pass.network.parameters.count)
        let result = pass.run(labels: (0..<pass.N).map { $0 % 5 }) { gradients[$0] = Array($1) }
        let statistics = pass.network.statistics.indices.flatMap { Array(pass.mean($0)) + Array(pass.variance($0)) }
        return gradients + [Array(pass.logits), statistics.map(Float.init), [Float(result.loss)]]
    }

    @Test(arguments: [true, false]) func whatOtherShapesLeftIsNotSeen(keepsPacked: Bool) throws {
        let bytes = try Self.shapes.map {
            try TrainingMemory(
                try Self.network($0), N: $0.2, threads: 2, instructionSet: .best,
                policy: MemoryPolicy(keepsPacked: keepsPacked)
            ).bytes
        }
        let memory = try PassMemory(bytes: bytes.max() ?? 0, for: "four shapes")
        let shared = try Self.shapes.map { try Self.pass($0, memory: memory, keepsPacked: keepsPacked) }
        // Each shape behind each other one, with other weights every time.
        for (round, index) in [0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0].enumerated() {
            let alone = try Self.pass(Self.shapes[index], memory: nil, keepsPacked: keepsPacked)
            #expect(
                Self.run(shared[index], round: round) == Self.run(alone, round: round), "round \(round), shape \(index)"
            )
        }
    }

    @Test func memoryIsThatOfThePass() throws {
        let shape = Self.shapes[0]
        let network = try Self.network(shape)
        let frozen = network.parameters.indices.map { $0 < 4 }
        for (normalisation, frozen) in [(TrainingPass.Normalisation.batch, []), (.running, []), (.batch, frozen)] {
            let pass = try TrainingPass(
                network, N: 2, pool: ThreadPool(threads: 2), instructionSet: .best, normalisation: normalisation,
                frozen: frozen)
            let planned = try TrainingMemory(
                network, N: 2, threads: 2, instructionSet: .best, normalisation: normalisation, frozen: frozen)
            #expect(planned.bytes == pass.memoryBytes)
        }
    }
}
