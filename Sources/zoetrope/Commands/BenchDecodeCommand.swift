import Acquisition
import ArgumentParser
import Evaluation
import Faults
import Foundation
import Reporting

extension Bench {
    /// `zoetrope bench decode`.
    struct Decode: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time random training clips on one thread: open, seek, decode, scale to RGB.",
            discussion: """
                With --peer both decode the same frames of the same files, in turn: the peer gets --plan FILE, JSON with \
                paths and numbers of frames, and prints JSON with clips_per_s as its last line; before, where both read \
                the same files, it is asked for the pixels, and how far they differ is printed. --peer-file names the \
                file it reads in place of each of ours. --cases writes each file anew as data trim --profile fast does, \
                and compares three times: ours on that against the peer on the file itself, both on that, both on the \
                file itself. Run it under taskset -c 0: some peers have threads of their own.
                """)
        @Argument(help: "Videos.")
        var files: [String]
        @Option(help: "Frames of a clip.")
        var frames = 8
        @Option(help: "From one frame to the next.")
        var rate = 8
        @Option(help: "What frames are scaled to, in pixels.")
        var width = 171
        @Option(help: "What frames are scaled to, in pixels.")
        var height = 128
        @Option(help: "Clips of a run, drawn over the files in turn.")
        var clips = 60
        @Option(help: "Decides where clips begin.")
        var seed: UInt64 = 1
        @Option(help: ArgumentHelp("A peer's command, as scripts/peers/decode.py.", valueName: "command"))
        var peer: String?
        @Option(help: "What the peer reads in place of each file, in their order.")
        var peerFile: [String] = []
        @Flag(help: "Compare on the files and on what the profile fast makes of them.")
        var cases = false
        @Option(help: "Pairs of runs.")
        var pairs = 5
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard !files.isEmpty else { throw ValidationError("name a video") }
            guard peerFile.isEmpty || peerFile.count == files.count else {
                throw ValidationError("--peer-file: name one for each of the \(files.count) files")
            }
            guard !cases || peer != nil && peerFile.isEmpty else {
                throw ValidationError("--cases: name a --peer, and no --peer-file")
            }
            for (value, name) in [(frames, "frames"), (rate, "rate"), (width, "width"), (height, "height")]
            where !(1...8192).contains(value) {
                throw ValidationError("--\(name) \(value): choose 1 to 8192")
            }
            guard (1...1_000_000).contains(clips) else {
                throw ValidationError("--clips \(clips): choose 1 to 1000000")
            }
            guard (1...1000).contains(pairs) else { throw ValidationError("--pairs \(pairs): choose 1 to 1000") }
        }

        func run() throws {
            guard cases else {
                let (json, text) = try compare(files, peerFile.isEmpty ? files : peerFile)
                return result.report(.object(json), text: text)
            }
            let folder = NSTemporaryDirectory() + "zoetrope-decode-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var fast: [String] = []
            for (i, file) in files.enumerated() {
                fast.append(folder + "/\(i).mp4")
                _ = try trimVideo(file, to: fast[i], start: 0, seconds: nil, profile: .fast)
            }
            var (all, texts): ([(String, JSON)], [String]) = ([], [])
            for (name, ours, theirs) in [
                ("fast against the original", fast, files), ("both fast", fast, fast),
                ("both the original", files, files),
            ] {
                if !result.json { print(name) }
                let (json, text) = try compare(ours, theirs)
                all.append((name.replacingOccurrences(of: " ", with: "_"), .object(json)))
                texts.append("\(name): \(text)")
            }
            result.report(.object(all), text: texts.joined(separator: "\n"))
        }

        private func compare(_ ours: [String], _ theirs: [String]) throws -> ([(String, JSON)], String) {
            let contest = DecodeContest(
                files: ours, peerFiles: theirs, frames: frames, rate: rate, width: width, height: height, clips: clips,
                seed: seed, pairs: pairs)
            let times = try contest.run(against: peer) { pair, ours, peers in
                if !result.json { print("pair \(pair): ours \(hundredths(ours)), peer \(hundredths(peers)) clips/s") }
            }
            var json: [(String, JSON)] = [
                ("frames", .integer(frames)), ("rate", .integer(rate)), ("width", .integer(width)),
                ("height", .integer(height)), ("clips", .integer(clips)), ("clips_per_s", .number(median(times.ours))),
            ]
            var text =
                "\(frames)x\(rate) frames at \(width)x\(height), one thread: \(hundredths(median(times.ours))) clips/s"
            if !times.peers.isEmpty {
                json += [("peer_clips_per_s", .number(median(times.peers))), ("ratio", .number(times.ratio))]
                text +=
                    ", peer \(hundredths(median(times.peers))), ratio \(hundredths(times.ratio)) (medians of \(pairs))"
            }
            if let difference = times.difference {
                json.append(("pixel_difference", .number(difference)))
                text += ", pixels differ by \(hundredths(difference)) of 255 on average"
            }
            return (json, text)
        }
    }
}
