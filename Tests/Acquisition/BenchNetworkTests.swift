import TestSupport
import Testing

/// `bench network`, and iperf3 beside it where somebody asks.
@Suite struct BenchNetworkTests {
    @Test func socketsAreTimedBesideIperf3() throws {
        try withTemporaryFolder { folder in
            let ended = try Command.run(
                ["bench", "network", "--runs", "1", "--seconds", "0.2", "--iperf3", "--json"], in: folder)
            try #require(ended.code == 0, "\(ended.errors)")
            func rate(_ name: String) throws -> Double {
                let rate = try #require(ended.json[name] as? [String: Double], "\(name) in \(ended.output)")
                // Two ends of a loopback connection: no more than every processor, and not for nothing.
                #expect((0.01...100).contains(try #require(rate["processor_s_per_gb"])), "\(name)")
                return try #require(rate["bytes_per_s"])
            }
            let (ours, keyed, theirs) = (try rate("without_keys"), try rate("with_keys"), try rate("iperf3"))
            #expect(min(ours, keyed, theirs) > 1e6)
            let goodput = try #require(ended.json["of_iperf3"] as? Double)
            #expect(abs(goodput - ours / theirs) < 1e-6 * goodput)
        }
    }

    @Test func withoutItNobodyNeedsIperf3() throws {
        try withTemporaryFolder { folder in
            let ended = try Command.run(
                ["bench", "network", "--runs", "1", "--seconds", "0.1", "--json"], in: folder)
            try #require(ended.code == 0, "\(ended.errors)")
            #expect(ended.json["iperf3"] == nil && ended.json["of_iperf3"] == nil)
        }
    }
}
