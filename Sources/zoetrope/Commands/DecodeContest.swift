import Evaluation
import Faults
import Foundation
import Randomness
import Storage
import Video

/// The same random training clips decoded by this program and by a peer, on one thread each, in turn.
struct DecodeContest {
    /// What is read: ours, and what the peer reads in place of each, in their order.
    var files: [String]
    var peerFiles: [String]
    var frames: Int
    var rate: Int
    var width: Int
    var height: Int
    var clips: Int
    var seed: UInt64
    var pairs: Int

    struct Result {
        /// Clips per second, of each run.
        var ours: [Double] = []
        var peers: [Double] = []
        /// How far apart the pixels are where both read the same files: the mean difference, of 255.
        var difference: Double?

        /// Of the pairs' ratios, because both of a pair see the same machine.
        var ratio: Double { median(zip(ours, peers).map { $0 / $1 }) }
    }

    /// What a peer is told, as JSON. With `pixels` it also writes all frames there, as RGB bytes; the time is of no matter then.
    private struct Plan: Encodable {
        struct Clip: Encodable {
            var path: String
            var frames: [Int]
        }
        var width: Int
        var height: Int
        var clips: [Clip]
        var pixels: String?
    }

    private struct Answer: Decodable {
        var clips_per_s: Double
    }

    /// - Parameter peer: its command; `nil` measures ours alone.
    func run(against peer: String?, _ progress: (_ pair: Int, _ ours: Double, _ peers: Double) -> Void) throws -> Result
    {
        let plan = try makePlan()
        var result = Result()
        if let peer, files == peerFiles { result.difference = try difference(plan, peer) }
        // Once for what is only slow the first time.
        _ = try clipsPerSecond(plan)
        for number in 1...pairs {
            result.ours.append(try clipsPerSecond(plan))
            guard let peer else { continue }
            result.peers.append(try ask(peer, theirs(plan)))
            progress(number, result.ours[number - 1], result.peers[number - 1])
        }
        return result
    }

    private func makePlan() throws -> Plan {
        let counts = try zip(files, peerFiles).map { ours, theirs in
            // Where a video written anew has more frames, only those are asked for that both have.
            try min(frameCount(ours), ours == theirs ? .max : frameCount(theirs))
        }
        let span = (frames - 1) * rate + 1
        let clips = (0..<self.clips).map { i in
            let file = i % files.count
            let room = max(0, counts[file] - span)
            let start = Draws(seed: seed, place: UInt64(i), purpose: .startFrame).integer(0, below: room + 1)
            // A video that is too short ends with its last frame, once.
            let numbers = (0..<frames).map { min(start + $0 * rate, counts[file] - 1) }
            return Plan.Clip(path: files[file], frames: Array(Set(numbers)).sorted())
        }
        return Plan(width: width, height: height, clips: clips)
    }

    private func frameCount(_ path: String) throws -> Int {
        try readWhole(path).withUnsafeBytes { try VideoReader($0, name: path).frameCount }
    }

    private func theirs(_ plan: Plan) -> Plan {
        var plan = plan
        for i in plan.clips.indices { plan.clips[i].path = URL(fileURLWithPath: peerFiles[i % files.count]).path }
        return plan
    }

    /// From reading the file to RGB, for each clip anew.
    private func clipsPerSecond(_ plan: Plan) throws -> Double {
        let clock = ContinuousClock()
        var sum = 0
        let time = try clock.measure {
            try decode(plan.clips) { frame in sum += Int(frame[0, 0][0]) }
        }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        // The sum is only there so that no pixel is left out; it is never negative.
        return sum >= 0 ? Double(plan.clips.count) / seconds : 0
    }

    private func decode(_ clips: [Plan.Clip], _ body: (RGBFrame) throws -> Void) throws {
        for clip in clips {
            try readWhole(clip.path).withUnsafeBytes { bytes in
                let video = try VideoReader(bytes, name: clip.path)
                // As they come: the frames of a run in the order of showing.
                try video.decode(clip.frames, width: width, height: height) { _, frame in try body(frame) }
            }
        }
    }

    /// How far apart the pixels of the same frames may be, on average, of 255: PyAV's scaler differs by 0.26 to 0.75, and
    /// a frame from the next one by 3.1 to 9.0 (docs/data.md).
    private static let sameFrames = 1.5

    /// Compares the pixels of the first clips of each file.
    /// - Returns: the mean difference, of 255.
    /// - Throws: a data `Fault` when the peer shows more or fewer, or others.
    private func difference(_ plan: Plan, _ peer: String) throws -> Double {
        var plan = plan
        plan.clips = Array(plan.clips.prefix(4 * files.count))
        var ours: [UInt8] = []
        try decode(plan.clips) { ours += $0.bytes }
        var told = theirs(plan)
        let path = NSTemporaryDirectory() + "zoetrope-pixels-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        told.pixels = path
        _ = try ask(peer, told)
        let pixels = try readWhole(path)
        guard pixels.count == ours.count else {
            throw Fault(.data, peer, "gives \(pixels.count) bytes of pixels for the \(ours.count) of ours")
        }
        let sum = zip(ours, pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        let difference = Double(sum) / Double(ours.count)
        guard difference <= Self.sameFrames else {
            throw Fault(
                .data, peer,
                "its pixels differ from ours by \(hundredths(difference)) of 255 on average, more than the "
                    + "\(hundredths(Self.sameFrames)) of the same frames: a ratio would compare two different things",
                mend: "let it decode the frames of --plan by their numbers, to the plan's width and height")
        }
        return difference
    }

    private func ask(_ peer: String, _ plan: Plan) throws -> Double {
        let planFile = NSTemporaryDirectory() + "zoetrope-decode-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: planFile) }
        try writeWhole(Array(try JSONEncoder().encode(plan)), to: planFile)
        let output = try PeerProgram(command: peer).output(["--plan", planFile])
        let line = output.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(line.utf8)).clips_per_s, answer > 0 else {
            throw Fault(
                .data, peer, "its last line is no JSON with clips_per_s: '\(line.prefix(200))'",
                mend: "name a command that prints what scripts/peers/decode.py does")
        }
        return answer
    }
}
