import ArgumentParser
import Evaluation
import Faults
import Foundation
import Randomness
import Reporting
import Storage
import Video

extension Bench {
    /// `zoetrope bench decode`.
    struct Decode: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time random training clips on one thread: open, seek, decode, scale to RGB.",
            discussion: """
                With --peer both decode the same frames of the same files, in turn: the peer gets --plan FILE, JSON with paths \
                and numbers of frames, and prints JSON with clips_per_s as its last line. --peer-file names the file it reads \
                in place of each of ours, as the original of a re-encoded one.
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
        @Option(help: "Pairs of runs.")
        var pairs = 5
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard !files.isEmpty else { throw ValidationError("name a video") }
            guard peerFile.isEmpty || peerFile.count == files.count else {
                throw ValidationError("--peer-file: name one for each of the \(files.count) files")
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

        private struct Clip: Encodable {
            var path: String
            var frames: [Int]
        }

        private struct Plan: Encodable {
            var width: Int
            var height: Int
            var clips: [Clip]
        }

        func run() throws {
            let plan = try makePlan()
            // Once for what is only slow the first time.
            _ = try clipsPerSecond(plan)
            var (ours, peers): ([Double], [Double]) = ([], [])
            let planFile = NSTemporaryDirectory() + "zoetrope-decode-\(UUID().uuidString).json"
            defer { try? FileManager.default.removeItem(atPath: planFile) }
            if peer != nil { try writePeerPlan(plan, to: planFile) }
            for number in 1...pairs {
                ours.append(try clipsPerSecond(plan))
                guard let peer else { continue }
                peers.append(try run(peer, planFile))
                if !result.json {
                    print(
                        "pair \(number): ours \(hundredths(ours[number - 1])), peer \(hundredths(peers[number - 1])) clips/s"
                    )
                }
            }
            var json: [(String, JSON)] = [
                ("frames", .integer(frames)), ("rate", .integer(rate)), ("width", .integer(width)),
                ("height", .integer(height)), ("clips", .integer(clips)), ("clips_per_s", .number(median(ours))),
            ]
            var text = "\(frames)x\(rate) frames at \(width)x\(height), one thread: \(hundredths(median(ours))) clips/s"
            if !peers.isEmpty {
                let ratio = median(zip(ours, peers).map { $0 / $1 })
                json += [("peer_clips_per_s", .number(median(peers))), ("ratio", .number(ratio))]
                text += ", peer \(hundredths(median(peers))), ratio \(hundredths(ratio)) (medians of \(pairs))"
            }
            result.report(.object(json), text: text)
        }

        private func makePlan() throws -> Plan {
            let counts = try files.map { path in
                try readWhole(path).withUnsafeBytes { try VideoReader($0, name: path).frameCount }
            }
            let span = (frames - 1) * rate + 1
            let clips = (0..<self.clips).map { i in
                let file = i % files.count
                let room = max(0, counts[file] - span)
                let start = Draws(seed: seed, place: UInt64(i), purpose: .startFrame).integer(0, below: room + 1)
                // A video that is too short ends with its last frame, once.
                let numbers = (0..<frames).map { min(start + $0 * rate, counts[file] - 1) }
                return Clip(path: files[file], frames: Array(Set(numbers)).sorted())
            }
            return Plan(width: width, height: height, clips: clips)
        }

        private func writePeerPlan(_ plan: Plan, to path: String) throws {
            var plan = plan
            let others = peerFile.isEmpty ? files : peerFile
            for i in plan.clips.indices {
                plan.clips[i].path = URL(fileURLWithPath: others[i % files.count]).path
            }
            try writeWhole(Array(try JSONEncoder().encode(plan)), to: path)
        }

        /// From reading the file to RGB, for each clip anew.
        private func clipsPerSecond(_ plan: Plan) throws -> Double {
            let clock = ContinuousClock()
            var sum = 0
            let time = try clock.measure {
                for clip in plan.clips {
                    try readWhole(clip.path).withUnsafeBytes { bytes in
                        let video = try VideoReader(bytes, name: clip.path)
                        try video.decode(clip.frames, width: width, height: height) { _, frame in
                            sum += Int(frame[0, 0][0])
                        }
                    }
                }
            }
            let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
            // The sum is only there so that no pixel is left out; it is never negative.
            return sum >= 0 ? Double(plan.clips.count) / seconds : 0
        }

        private func run(_ peer: String, _ plan: String) throws -> Double {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "exec \(peer) \"$@\"", "sh", "--plan", plan]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            let line = output.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
            guard process.terminationStatus == 0,
                let answer = try? JSONDecoder().decode([String: Double].self, from: Data(line.utf8))["clips_per_s"],
                answer > 0
            else {
                throw Fault(
                    .data, peer,
                    "it ended with exit code \(process.terminationStatus) and its last line is no JSON with clips_per_s",
                    mend: "name a command that prints what scripts/peers/decode.py does")
            }
            return answer
        }
    }
}
