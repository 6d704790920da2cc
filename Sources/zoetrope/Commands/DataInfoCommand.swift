import ArgumentParser
import Clips
import Faults
import Foundation
import Reporting

extension DataCommand {
    /// `zoetrope data info`: what a packed set holds.
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what is in a data set: counts, classes, sizes, rates, digests.")
        @Argument(help: "The data set's folder.")
        var data: String
        @Option(help: "Videos of each split to open, for their frame rates and codecs.")
        var opening = 100
        @Flag(help: "Show the clips of every class.")
        var perClass = false
        @OptionGroup var result: ResultOptions

        func run() throws {
            try within(opening, 0...Int(Int32.max), "--opening")
            let set = try DataSetSummary(directory: data, opening: opening)
            var lines = ["\(data): \(set.classes.count) classes" + (set.profile.isEmpty ? "" : ", \(set.profile)")]
            for split in set.splits { lines += text(split) }
            if perClass {
                for (label, name) in set.classes.enumerated() {
                    let counts = set.splits.map { "\($0.name) \($0.clipsPerClass[label])" }.joined(separator: ", ")
                    lines.append("  \(padded(String(label), 4)) \(name): \(counts)")
                }
            } else {
                lines.append("  classes: " + set.classes.joined(separator: ", "))
            }
            result.report(
                [
                    "classes": .array(set.classes.map(JSON.string)), "profile": .string(set.profile),
                    "splits": .object(set.splits.map { ($0.name, json($0)) }),
                ], text: lines.joined(separator: "\n"))
        }

        private func text(_ split: DataSetSummary.Split) -> [String] {
            func range(_ range: ClosedRange<Int>) -> String {
                range.lowerBound == range.upperBound
                    ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            }
            func list(_ counts: [(name: String, count: Int)]) -> String {
                counts.map { "\($0.name) (\($0.count))" }.joined(separator: ", ")
            }
            let perClass = (split.clipsPerClass.min() ?? 0)...(split.clipsPerClass.max() ?? 0)
            let empty = split.clipsPerClass.count { $0 == 0 }
            var lines = [
                "  \(padded(split.name, 6)) \(split.clips) clips of \(split.distinctVideos) videos, \(range(perClass)) of a class"
                    + (empty > 0 ? " (\(empty) classes without any)" : ""),
                "         \(split.frames) frames, \(split.bytes) bytes in \(split.shards) shards, sha256 \(split.digest)",
                "         a video: \(range(split.frameCounts)) frames, \(range(split.widths)) wide, "
                    + "\(range(split.heights)) high, \(range(split.byteCounts)) bytes",
            ]
            if split.sequential > 0 {
                lines.append(
                    "         \(split.sequential) videos have no timestamps and are decoded from their beginning")
            }
            if split.opened > 0 {
                lines.append(
                    "         of \(split.opened) opened: frames a second \(list(rates(split))); \(list(codecs(split)))")
            }
            return lines
        }

        private func json(_ split: DataSetSummary.Split) -> JSON {
            func range(_ range: ClosedRange<Int>) -> JSON {
                .array([.integer(range.lowerBound), .integer(range.upperBound)])
            }
            return [
                "clips": .integer(split.clips), "videos": .integer(split.distinctVideos),
                "frames": .integer(split.frames), "bytes": .integer(split.bytes), "shards": .integer(split.shards),
                "sha256": .string(split.digest), "clips_per_class": .array(split.clipsPerClass.map(JSON.integer)),
                "frame_counts": range(split.frameCounts), "widths": range(split.widths),
                "heights": range(split.heights), "video_bytes": range(split.byteCounts),
                "sequential": .integer(split.sequential), "opened": .integer(split.opened),
                "rates": .object(rates(split).map { ($0.name, .integer($0.count)) }),
                "codecs": .object(codecs(split).map { ($0.name, .integer($0.count)) }),
            ]
        }

        /// The most frequent first.
        private func rates(_ split: DataSetSummary.Split) -> [(name: String, count: Int)] {
            split.rates.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { ($0.key == 0 ? "unknown" : hundredths(Double($0.key) / 100), $0.value) }
        }

        private func codecs(_ split: DataSetSummary.Split) -> [(name: String, count: Int)] {
            split.codecs.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        }
    }
}
