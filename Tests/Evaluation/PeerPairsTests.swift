import Evaluation
import Testing

@Suite struct PeerPairsTests {
    private func times(_ step: Double, _ forward: Double, _ memory: Double) throws -> PeerPairs.Times {
        try PeerPairs.Times(
            outputOf: "peer",
            "warming up\n{\"step_median_s\": \(step), \"forward_median_s\": \(forward), \"peak_rss_mib\": \(memory)}\n")
    }

    @Test func ratiosAreMediansOfPairs() throws {
        var pairs = PeerPairs()
        #expect(pairs.stepRatio.isNaN)
        for (ours, theirs) in [(1.0, 2.0), (2.0, 7.0), (1.0, 30.0)] {
            pairs.pairs.append(.init(ours: try times(ours, 1, 60), peers: try times(theirs, 4, 100)))
        }
        #expect(pairs.stepRatio == 3.5)
        #expect(pairs.forwardRatio == 4)
        #expect(pairs.memoryShare == 0.6)
        pairs.pairs.append(.init(ours: try times(1, 1, 60), peers: try times(4.5, 4, 100)))
        #expect(pairs.stepRatio == 4)
    }

    @Test func whatIsNoTimingIsNamed() {
        for output in [
            "", "Traceback", "{\"step_median_s\": 1}",
            "{\"step_median_s\":0,\"forward_median_s\":1,\"peak_rss_mib\":1}",
        ] {
            let fault = #expect(throws: (any Error).self) { try PeerPairs.Times(outputOf: "python peer.py", output) }
            #expect("\(fault!)".contains("python peer.py"))
        }
    }
}
