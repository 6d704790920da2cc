import Clips
import Faults
import Kernels
import Models
import Prediction
import TestSupport
import Testing
import Video

@Suite struct VideoRunnerTests {
    private let network: NetworkDescription
    private let settings: ClipSettings
    private let video: [UInt8]

    init() throws {
        network = try NetworkDescription(named: "r2plus1d-10", classes: 3, frames: 4, size: 16)
        settings = try ClipSettings(frames: 4, samplingRate: 2, resize: .shortEdge([16]), crop: 16)
        let encoder = try VideoEncoder(width: 64, height: 32, framesPerSecond: 25, quantizer: 10)
        for t in 0..<20 {
            let frame = (0..<3 * 64 * 32).map { UInt8(truncatingIfNeeded: $0 / 3 % 64 * 4 + 5 * t) }
            try frame.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        video = try encoder.finish()
    }

    private func pass(N: Int, keeping: [Int]) throws -> InferencePass {
        let pass = try InferencePass(
            network, N: N, pool: ThreadPool(threads: 1), instructionSet: .best, keeping: Set(keeping))
        for (i, parameter) in network.parameters.enumerated() {
            // Anything that is not alike everywhere.
            pass.setParameter(
                i,
                (0..<parameter.count).map { Float(($0 * 7 + i) % 11 - 5) * 0.02 + (parameter.role == .scale ? 1 : 0) })
        }
        for (i, statistics) in network.statistics.enumerated() {
            pass.setStatistics(
                i, mean: .init(repeating: 0.1, count: statistics.C), variance: .init(repeating: 2, count: statistics.C))
        }
        return pass
    }

    private func clips() throws -> VideoClips {
        try video.withUnsafeBytes { try VideoClips($0, name: "stripes", settings) }
    }

    /// Slices and other layers that are kept change no bit of the scores of an activation behind the joins.
    @Test func aClipDoesNotDependOnItsSlice() throws {
        let pool = try network.layer(named: network.layers[network.layers.count - 2].name)
        var seen: [[Float]] = []
        for N in [1, 3] {
            let runner = try VideoRunner(try pass(N: N, keeping: [pool]), settings, layers: [pool])
            var rows: [Float] = []
            try runner.run(try clips(), name: "stripes", starts: [0, 3, 9, 13]) { outcome in
                #expect(abs(outcome.scores.reduce(0, +) - 1) < 1e-9)
                rows += outcome.scores.map(Float.init) + outcome.activations[0]
            }
            seen.append(rows)
        }
        #expect(seen[0] == seen[1])
        #expect(Set(seen[0]).count > 10, "the clips differ")
    }

    /// Every layer can be kept alone, and is what the graph says: each ReLU is its input's positive part.
    @Test func keptLayersAreWhatTheGraphSays() throws {
        let all = network.layers.indices.dropLast().map { $0 }
        let kept = try pass(N: 1, keeping: all)
        try clips().load(starts: [2], into: kept.input)
        kept.run(clips: 1)
        var relus = 0
        for (index, layer) in network.layers.enumerated() {
            guard case .relu = layer.operation, index < network.layers.count - 1 else { continue }
            relus += 1
            let (x, y) = (kept.activation(layer.inputs[0], clips: 1), kept.activation(index, clips: 1))
            #expect(zip(x, y).allSatisfy { max($0, 0) == $1 }, "\(layer.name)")
            // Alone, with everything joined that can be: sums of other lengths round by a few parts in a million.
            let alone = try pass(N: 1, keeping: [index])
            _ = alone.input.update(fromContentsOf: kept.input)
            alone.run(clips: 1)
            let largest = y.map(abs).max() ?? 0
            let difference = zip(y, alone.activation(index, clips: 1)).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= 1e-4 * largest, "\(layer.name): \(difference) of \(largest)")
        }
        #expect(relus > 5)
    }

    @Test func outputThatIsNoNumberIsNamed() throws {
        let broken = try pass(N: 1, keeping: [])
        let head = try #require(network.parameters.indices.last)
        broken.setParameter(head, .init(repeating: .nan, count: network.parameters[head].count))
        let runner = try VideoRunner(broken, settings)
        let fault = #expect(throws: Fault.self) { try runner.run(try clips(), name: "stripes", starts: [0]) { _ in } }
        #expect(fault?.thing == "stripes")
    }

    @Test func unknownLayersAreRefusedWithTheNearestName() throws {
        let name = network.layers[1].name
        let fault = #expect(throws: Fault.self) { try network.layer(named: name + "x") }
        #expect(fault?.mend.contains(name) == true)
    }

    @Test func captionsAreDrawnAndTheVideoKeepsItsLength() throws {
        let made = try video.withUnsafeBytes { raw in
            try AnnotatedVideo.make(raw, name: "stripes") { frame in [.init(text: "A \(frame)", score: 0.5)] }
        }
        let reader = try made.withUnsafeBytes { try VideoReader($0, name: "made") }
        #expect(reader.frameCount == 20)
        #expect(reader.width == 64 && reader.height == 32)
    }
}
