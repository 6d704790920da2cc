import ArgumentParser
import Evaluation
import Faults
import Foundation
import Protocol
import Reporting

extension Bench {
    /// `zoetrope bench network`.
    struct Network: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time the sockets between two workers over loopback, with keys and without.",
            discussion: """
                Pairs of measurements, one after the other, so that both see the same machine; medians. Seconds of processor \
                are of both ends together. Not of the network: this is what sockets and encryption cost.
                """)
        @Option(help: "Bytes of a part; a chunk of parameters has 1 to 4 MiB.")
        var part = 4 << 20
        @Option(help: "Seconds of each measurement.")
        var seconds = 2.0
        @Option(help: "Pairs of measurements.")
        var runs = 5
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (1...64 << 20).contains(part) else { throw ValidationError("--part \(part): choose 1 to 67108864") }
            guard (0.1...600).contains(seconds) else {
                throw ValidationError("--seconds \(seconds): choose 0.1 to 600")
            }
            guard (1...1000).contains(runs) else { throw ValidationError("--runs \(runs): choose 1 to 1000") }
        }

        func run() throws {
            let folder = NSTemporaryDirectory() + "zoetrope-bench-\(UUID().uuidString)"
            try Keys.create(folder)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let keys = try Security(keys: folder, insecure: false, role: .worker)
            var (open, keyed): ([NetworkBench], [NetworkBench]) = ([], [])
            for _ in 0..<runs {
                open.append(try NetworkBench(listener: .loopback, sender: .loopback, part: part, seconds: seconds))
                keyed.append(try NetworkBench(listener: keys, sender: keys, part: part, seconds: seconds))
            }
            let ratio = median(zip(open, keyed).map { $1.bytesPerSecond / $0.bytesPerSecond })
            result.report(
                [
                    "part": .integer(part), "without_keys": json(open), "with_keys": json(keyed),
                    "ratio": .number(ratio),
                ],
                text: """
                    parts of \(part) bytes over loopback, medians of \(runs)
                    without keys  \(text(open))
                    with keys     \(text(keyed))
                    with keys at \(hundredths(ratio)) of the speed without
                    """)
        }

        private func text(_ runs: [NetworkBench]) -> String {
            "\(hundredths(median(runs.map(\.bytesPerSecond)) / 1e6)) MB/s, "
                + "\(hundredths(median(runs.map(perGigabyte)))) s of processor for a GB"
        }

        private func json(_ runs: [NetworkBench]) -> JSON {
            [
                "bytes_per_s": .number(median(runs.map(\.bytesPerSecond))),
                "processor_s_per_gb": .number(median(runs.map(perGigabyte))),
            ]
        }

        private func perGigabyte(_ run: NetworkBench) -> Double { run.processorSeconds / (Double(run.bytes) / 1e9) }
    }
}
