import Clips
import Evaluation
import Faults
import Kernels
import Models
import Testing
import Training

/// Tests of videos, with networks of a few weights.
@Suite struct VideoTesterTests {
    /// A new one each time: a pool serves one thread, and tests run beside each other.
    private static var pool: ThreadPool { ThreadPool(threads: 2) }

    /// Scores that every pixel of a view has a part in.
    private static func pass(_ height: Int, _ width: Int, _ N: Int, frames: Int) throws(Fault)
        -> InferencePass
    {
        let network = try NetworkDescription(
            named: "r2plus1d-10", classes: 3, frames: frames, height: height, width: width,
            options: options(convolutional: true))
        let pass = try InferencePass(network, N: N, pool: pool, instructionSet: .best)
        for (index, parameter) in network.parameters.enumerated() {
            pass.setParameter(
                index,
                (0..<parameter.count).map { parameter.role == .weight ? 0.02 * Float(($0 * 7 + index) % 11 - 5) : 1 })
        }
        for (index, layer) in network.statistics.enumerated() {
            pass.setStatistics(
                index, mean: [Float](repeating: 0.1, count: layer.C), variance: [Float](repeating: 1, count: layer.C))
        }
        return pass
    }

    private static func options(convolutional: Bool) -> NetworkOptions {
        var options = NetworkOptions()
        options.channelMultiplier = 0.0625
        options.head = convolutional ? .convolutional : .linear
        options.trainedCrop = 16
        return options
    }

    private static func settings(_ clips: Int, region: ViewSettings.Region) throws -> ViewSettings {
        try ViewSettings(frames: 4, samplingRate: 2, clips: clips, starts: .vmz, resize: .shortEdge(24), region: region)
    }

    private static func outcomes(
        _ set: PackedSet, _ settings: ViewSettings, atOnce: Int, _ aggregate: TestProtocol.Aggregate = .mean
    ) throws -> [VideoOutcome] {
        let runner = ViewRunner(settings, viewsAtOnce: atOnce) { height, width, N throws(Fault) in
            try pass(height, width, N, frames: 4)
        }
        let tester = VideoTester(set, runner, aggregate: aggregate)
        return try (0..<set.count).map { try tester.test(rank: $0) }
    }

    @Test func slicesOfAnySizeGiveTheSameBits() throws {
        try withSmallSet(frames: [12, 20, 33]) { set in
            for region in [ViewSettings.Region.crops(3, size: 24), .crops(6, size: 20), .frame] {
                let settings = try Self.settings(5, region: region)
                let one = try Self.outcomes(set, settings, atOnce: 1)
                #expect(one.allSatisfy { $0.isTested && $0.views == 5 * settings.crops })
                #expect(Set(one.map { $0.scores }).count == 3, "videos differ in their scores")
                for atOnce in [2, 7, 64] {
                    #expect(try Self.outcomes(set, settings, atOnce: atOnce) == one, "\(region), \(atOnce) at once")
                }
            }
        }
    }

    /// The views of a video one by one, each in a test of its own, and their aggregate worked out here.
    @Test func aggregatesAreOfTheViewsScores() throws {
        try withSmallSet(frames: [21]) { set in
            let settings = try Self.settings(0, region: .crops(1, size: 24), dense: 4)
            let all = try Self.outcomes(set, settings, atOnce: 3)[0]
            var views: [[Double]] = []
            try VideoTesterTests.eachView(set, settings) { views.append($0) }
            #expect(all.views == 4 && views.count == 4)
            for k in 0..<3 {
                let column = views.map { $0[k] }
                let sum = column.reduce(0, +)
                #expect(all.scores[k] == sum / 4)
                #expect(try Self.outcomes(set, settings, atOnce: 3, .sum)[0].scores[k] == sum)
                #expect(try Self.outcomes(set, settings, atOnce: 3, .max)[0].scores[k] == column.max())
            }
        }
    }

    private static func eachView(_ set: PackedSet, _ settings: ViewSettings, _ body: ([Double]) -> Void) throws {
        let pass = try pass(24, 24, 1, frames: 4)
        var rows: [Int: [Double]] = [:]
        let problem = try ViewedVideo(set, rank: 0).decodeViews(settings) { _, _ in
        } view: { number, pixels in
            pixels.write(to: pass.input)
            rows[number] = pass.run().map(Double.init)
        }
        #expect(problem == nil)
        for number in rows.keys.sorted() { body(rows[number] ?? []) }
    }

    @Test func whatCannotBeTestedIsAnOutcomeAndTheOthersGoOn() throws {
        try withSmallSet(frames: [20, 0, 4, 20]) { set in
            let outcomes = try Self.outcomes(set, try Self.settings(3, region: .crops(1, size: 24)), atOnce: 4)
            let byName = Dictionary(uniqueKeysWithValues: zip(set.records.map(\.name), outcomes))
            #expect(byName["v0.mp4"]?.isTested == true && byName["v3.mp4"]?.isTested == true)
            #expect(byName.count == 4, "\(byName)")
            #expect(byName["v1.mp4"]?.isTested == false && byName["v1.mp4"]?.scores == [])
            #expect(byName["v2.mp4"]?.problem == "no views: it has 4 frames, and a clip needs 7")
        }
    }

    @Test func scoresThatAreNoNumbersEndTheTest() throws {
        try withSmallSet(frames: [20]) { set in
            let settings = try Self.settings(2, region: .crops(1, size: 24))
            let runner = ViewRunner(settings, viewsAtOnce: 2) { height, width, N throws(Fault) in
                let pass = try Self.pass(height, width, N, frames: 4)
                pass.setParameter(pass.network.parameters.count - 1, [.infinity, 0, .infinity])
                return pass
            }
            let tester = VideoTester(set, runner, aggregate: .max)
            let fault = #expect(throws: Fault.self) { try tester.test(rank: 0) }
            #expect(fault?.thing == "v0.mp4" && fault?.reason.contains("no numbers") == true)
        }
    }

    /// VMZ's joint softmax adds up to 1 over the places, the corrected one at each.
    @Test func bothSoftmaxesOfAConvolutionalHead() throws {
        let network = try NetworkDescription(
            named: "r2plus1d-10", classes: 3, frames: 4, height: 32, width: 48,
            options: Self.options(convolutional: true))
        #expect(network.endsWithScores)
        #expect(network == network.scoring(joint: true))
        let separate = network.scoring(joint: false)
        #expect(separate != network && separate.parameters == network.parameters)
        #expect(separate.layers.last?.operation == .softmaxMean(joint: false))
        // A map of 2 x 3 under a window of one: six places.
        for (network, total) in [(network, 1.0 / 6), (separate, 1.0)] {
            let pass = try InferencePass(network, N: 1, pool: Self.pool, instructionSet: .best)
            for (index, parameter) in network.parameters.enumerated() {
                pass.setParameter(index, (0..<parameter.count).map { 0.05 * Float($0 % 5 - 2) })
            }
            for i in pass.input.indices { pass.input[i] = Float(i % 17) / 17 }
            let sum = pass.run().reduce(0) { $0 + Double($1) }
            // Rounded to f32 three times.
            #expect(abs(sum - total) < 1e-6, "\(sum)")
        }
    }
}

extension VideoTesterTests {
    fileprivate static func settings(_ clips: Int, region: ViewSettings.Region, dense stride: Int) throws
        -> ViewSettings
    {
        try ViewSettings(
            frames: 4, samplingRate: 2, clips: clips, starts: .dense(stride: stride), resize: .shortEdge(24),
            region: region)
    }
}
