public import Faults
import Foundation

/// Times of ours and of a peer, taken in turn on one machine: what else it was doing slows down both, so that the median
/// of their ratios says more than any of the times.
public struct PeerPairs: Sendable {
    /// What a bench of one training step prints, ours and `peers/train_step.py` alike.
    public struct Times: Sendable, Equatable, Decodable {
        public var forward: Double
        public var step: Double
        /// The process's largest resident memory, MiB.
        public var peakMemory: Double

        enum CodingKeys: String, CodingKey {
            case forward = "forward_median_s"
            case step = "step_median_s"
            case peakMemory = "peak_rss_mib"
        }

        /// Reads the last line of a command's output.
        ///
        /// - Throws: a `Fault` that names the command and shows what it printed instead.
        public init(outputOf command: String, _ text: String) throws(Fault) {
            let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
            guard let times = try? JSONDecoder().decode(Times.self, from: Data(line.utf8)), times.forward > 0,
                times.step > 0
            else {
                throw Fault(
                    .data, command,
                    "its last line is no JSON with forward_median_s, step_median_s and peak_rss_mib: '\(line.prefix(200))'",
                    mend: "name a command that prints what peers/train_step.py does")
            }
            self = times
        }
    }

    public struct Pair: Sendable, Equatable {
        public var ours: Times
        public var peers: Times

        public init(ours: Times, peers: Times) {
            self.ours = ours
            self.peers = peers
        }
    }

    public var pairs: [Pair]

    public init(_ pairs: [Pair] = []) { self.pairs = pairs }

    /// How many times as long as ours the peer's step takes; the median over the pairs.
    public var stepRatio: Double { median(pairs.map { $0.peers.step / $0.ours.step }) }
    public var forwardRatio: Double { median(pairs.map { $0.peers.forward / $0.ours.forward }) }
    /// Our peak memory as a share of the peer's.
    public var memoryShare: Double { median(pairs.map { $0.ours.peakMemory / $0.peers.peakMemory }) }
}
