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
                are of both ends together. Not of the network: this is what sockets and encryption cost. With --iperf3 each \
                round has one of iperf3 as well.
                """)
        @Option(help: "Bytes of a part; a chunk of parameters has 1 to 4 MiB.")
        var part = 4 << 20
        @Option(help: "Seconds of each measurement.")
        var seconds = 2.0
        @Option(help: "Pairs of measurements.")
        var runs = 5
        @Flag(name: .customLong("iperf3"), help: "Run iperf3 beside, which has to be installed.")
        var comparesIperf3 = false
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
            var (open, keyed, plain): ([Rate], [Rate], [Rate]) = ([], [], [])
            for _ in 0..<runs {
                open.append(
                    Rate(try NetworkBench(listener: .loopback, sender: .loopback, part: part, seconds: seconds)))
                keyed.append(Rate(try NetworkBench(listener: keys, sender: keys, part: part, seconds: seconds)))
                if comparesIperf3 { plain.append(Rate(try Iperf3(seconds: seconds))) }
            }
            let ratio = medianRatio(keyed, to: open)
            var members: [(String, JSON)] = [
                ("part", .integer(part)), ("without_keys", json(open)), ("with_keys", json(keyed)),
                ("ratio", .number(ratio)),
            ]
            var lines = """
                parts of \(part) bytes over loopback, medians of \(runs)
                without keys  \(text(open))
                with keys     \(text(keyed))
                with keys at \(hundredths(ratio)) of the speed without
                """
            if comparesIperf3 {
                let goodput = medianRatio(open, to: plain)
                members += [("iperf3", json(plain)), ("of_iperf3", .number(goodput))]
                lines += "\niperf3        \(text(plain))\nwithout keys at \(hundredths(goodput)) of the speed of iperf3"
            }
            result.report(.object(members), text: lines)
        }

        private func medianRatio(_ ours: [Rate], to others: [Rate]) -> Double {
            median(zip(ours, others).map { $0.bytesPerSecond / $1.bytesPerSecond })
        }

        private func text(_ rates: [Rate]) -> String {
            "\(hundredths(median(rates.map(\.bytesPerSecond)) / 1e6)) MB/s, "
                + "\(hundredths(median(rates.map(\.secondsPerGigabyte)))) s of processor for a GB"
        }

        private func json(_ rates: [Rate]) -> JSON {
            [
                "bytes_per_s": .number(median(rates.map(\.bytesPerSecond))),
                "processor_s_per_gb": .number(median(rates.map(\.secondsPerGigabyte))),
            ]
        }
    }
}

/// What one measurement of sockets found.
private struct Rate {
    let bytesPerSecond: Double
    /// Of the processor, both ends together.
    let secondsPerGigabyte: Double

    private init(_ bytes: Int, in seconds: Double, processor: Double) {
        bytesPerSecond = Double(bytes) / seconds
        secondsPerGigabyte = processor / (Double(bytes) / 1e9)
    }

    init(_ run: NetworkBench) { self.init(run.bytes, in: run.seconds, processor: run.processorSeconds) }
    init(_ run: Iperf3) { self.init(run.bytes, in: run.seconds, processor: run.processorSeconds) }
}
