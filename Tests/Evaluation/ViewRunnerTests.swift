import Clips
import Evaluation
import Faults
import Kernels
import Models
import TestSupport
import Testing
import Training
import Video

@Suite struct ViewRunnerTests {
    private let network: NetworkDescription
    private let settings: ViewSettings
    private let video: ViewedVideo

    init() throws {
        network = try NetworkDescription(named: "r2plus1d-10", classes: 3, frames: 4, size: 16)
        settings = try ViewSettings(
            frames: 4, samplingRate: 2, clips: 4, resize: .shortEdge(16), region: .crops(3, size: 16))
        let encoder = try VideoEncoder(width: 64, height: 32, framesPerSecond: 25, quantizer: 10)
        for t in 0..<20 {
            let frame = (0..<3 * 64 * 32).map { UInt8(truncatingIfNeeded: $0 / 3 % 64 * 4 + 5 * t) }
            try frame.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        let bytes = try encoder.finish()
        video = ViewedVideo(name: "stripes") { bytes }
    }

    private func pass(N: Int, keeping: [Int]) throws(Fault) -> InferencePass {
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

    private func runner(N: Int, layers: [Int] = []) -> ViewRunner {
        ViewRunner(settings, viewsAtOnce: N, layers: layers) { _, _, N throws(Fault) in
            try pass(N: N, keeping: layers)
        }
    }

    /// Slices and other layers that are kept change no bit of the scores of an activation behind the joins.
    @Test func aViewDoesNotDependOnItsSlice() throws {
        let pool = try network.layer(named: network.layers[network.layers.count - 2].name)
        var seen: [[Int: [Float]]] = []
        for N in [1, 5] {
            var rows: [Int: [Float]] = [:]
            let problem = try runner(N: N, layers: [pool]).run(video) { plan, facts in
                #expect(plan.views.count == 12 && facts.frameCount == 20)
            } _: { outcome in
                #expect(abs(outcome.scores.reduce(0, +) - 1) < 1e-9)
                rows[outcome.number] = outcome.scores.map(Float.init) + outcome.activations[0]
            }
            #expect(problem == nil && rows.count == 12)
            seen.append(rows)
        }
        #expect(seen[0] == seen[1])
        #expect(Set(seen[0].values.flatMap { $0 }).count > 10, "the views differ")
    }

    /// Every layer can be kept alone, and is what the graph says: each ReLU is its input's positive part.
    @Test func keptLayersAreWhatTheGraphSays() throws {
        let all = network.layers.indices.dropLast().map { $0 }
        let kept = try pass(N: 1, keeping: all)
        let problem = try video.decodeViews(settings) { _, _ in
        } view: { number, pixels in
            if number == 5 { pixels.write(to: kept.input) }
        }
        #expect(problem == nil)
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

    /// A clip's scores are the means of its crops', the video's those of all views.
    @Test func scoresOfClipsAreMeansOfTheirCrops() throws {
        var views: [Int: [Double]] = [:]
        _ = try runner(N: 4).run(video) { _, _ in
        } _: {
            views[$0.number] = $0.scores
        }
        let scored = try runner(N: 4).score(video).get()
        // 20 frames, a span of 7: four clips from 0 to 13.
        #expect(scored.clips.map(\.start) == [0, 4, 8, 13])
        for (i, clip) in scored.clips.enumerated() {
            for k in 0..<3 {
                let sum = (3 * i..<3 * i + 3).reduce(0) { $0 + (views[$1]?[k] ?? .nan) }
                #expect(clip.scores[k] == sum / 3)
            }
        }
        // Sums in another order, of numbers below 1.
        for k in 0..<3 {
            let mean = views.values.reduce(0) { $0 + $1[k] } / 12
            #expect(abs(scored.scores.aggregate(.mean)[k] - mean) < 1e-15)
        }
    }

    @Test func whatIsNoVideoHasNoViews() throws {
        let text = ViewedVideo(name: "text") { Array("no video".utf8) }
        let missing = ViewedVideo(name: "missing") { throw Fault(.data, "missing", "is not there") }
        for video in [text, missing] {
            guard case .failure(let fault) = try runner(N: 2).score(video) else {
                Issue.record("\(video.name) was scored")
                continue
            }
            #expect(fault.thing == video.name)
        }
        struct Mine: Error {}
        #expect(throws: Mine.self) {
            try runner(N: 2).run(video) { _, _ in
            } _: { _ in
                throw Mine()
            }
        }
    }

    @Test func outputThatIsNoNumberIsNamed() throws {
        let runner = ViewRunner(settings, viewsAtOnce: 1) { _, _, N throws(Fault) in
            let broken = try pass(N: N, keeping: [])
            let head = network.parameters.count - 1
            broken.setParameter(head, .init(repeating: .nan, count: network.parameters[head].count))
            return broken
        }
        let fault = #expect(throws: Fault.self) { try runner.score(video) }
        #expect(fault?.thing == "stripes")
    }

    @Test func unknownLayersAreRefusedWithTheNearestName() throws {
        let name = network.layers[1].name
        let fault = #expect(throws: Fault.self) { try network.layer(named: name + "x") }
        #expect(fault?.mend.contains(name) == true)
    }
}
