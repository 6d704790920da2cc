import Evaluation
import Reporting

/// Runs a peer's bench of a step in turn with ours, each in a process of its own.
struct PeerBench {
    /// The peer's command, to which options of `peers/train_step.py` are added.
    let command: String
    /// The same options for both.
    let options: [String]
    /// The network's name as the peer has it.
    let peerModel: String
    /// Ours: what follows the program's name.
    let ours: [String]
    let pairs: Int
    /// Whether the compiled peer is tried too, which takes a minute or two and helps forward passes.
    let compiles: Bool

    private var configurations: [[String]] {
        let layouts = ["channels_last", "contiguous"].map { ["--layout", $0] }
        return compiles ? layouts + layouts.map { $0 + ["--compile"] } : layouts
    }

    /// What is compared: the peer's best configuration for steps, and for forward passes.
    private enum Kind: String, CaseIterable {
        case step
        case forward

        func seconds(_ times: PeerPairs.Times) -> Double { self == .step ? times.step : times.forward }
        func ratio(_ pairs: PeerPairs) -> Double { self == .step ? pairs.stepRatio : pairs.forwardRatio }
    }

    /// How often each configuration is tried, in turn: what disturbs one trial must not choose the peer's configuration.
    private static let trials = 2

    /// Tries the peer's configurations, then pairs ours with the best of each kind, that whose least time is the least.
    func run() throws -> JSON {
        var tried: [(configuration: [String], times: PeerPairs.Times)] = []
        for _ in 0..<Self.trials {
            for configuration in configurations {
                let times = try peer(configuration)
                print("tried \(configuration.joined(separator: " ")): \(text(times))")
                tried.append((configuration, times))
            }
        }
        var result: [(String, JSON)] = []
        for kind in Kind.allCases {
            // The loops above ran at least once.
            guard let best = tried.min(by: { kind.seconds($0.times) < kind.seconds($1.times) }) else { continue }
            let name = best.configuration.dropFirst().joined(separator: " ")
            var pairs = PeerPairs()
            for number in 1...self.pairs {
                let pair = PeerPairs.Pair(ours: try zoetrope(), peers: try peer(best.configuration))
                pairs.pairs.append(pair)
                let ratio = kind.seconds(pair.peers) / kind.seconds(pair.ours)
                print(
                    "\(kind) pair \(number): ours \(text(pair.ours)); peer \(text(pair.peers)); ratio \(hundredths(ratio))"
                )
            }
            print("\(kind): \(hundredths(kind.ratio(pairs))) times the peer's \(name), median of \(self.pairs) pairs")
            result.append(("\(kind)_ratio", .number(kind.ratio(pairs))))
            result.append(("\(kind)_peer", .string(name)))
            if kind == .step {
                print("memory: \(hundredths(pairs.memoryShare)) of the peer's")
                result.append(("memory_share", .number(pairs.memoryShare)))
            }
        }
        result.append(("pairs", .integer(pairs)))
        return .object(result)
    }

    private func text(_ times: PeerPairs.Times) -> String {
        "step \(milliseconds(times.step)), forward \(milliseconds(times.forward)), \(Int(times.peakMemory)) MiB"
    }

    private func zoetrope() throws -> PeerPairs.Times {
        try times(PeerProgram(ours: ours), options + ["--json"])
    }

    private func peer(_ configuration: [String]) throws -> PeerPairs.Times {
        try times(PeerProgram(command: command), ["--model", peerModel] + options + configuration)
    }

    private func times(_ program: PeerProgram, _ arguments: [String]) throws -> PeerPairs.Times {
        try PeerPairs.Times(outputOf: program.name, program.output(arguments))
    }
}
