import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Video

/// Whatever the structure of a stream, a frame that is asked for alone, or with some others, is the one that a decoder
/// shows that runs from the beginning and leaves nothing out.
@Suite struct ExactFrameTests {
    private static let even = (0..<70).map { Int64(40 * $0) }
    /// From 1 to 120 ms apart.
    private static let uneven: [Int64] = (0..<70).reduce(into: []) { times, n in
        let draws = Draws(seed: 51, place: UInt64(n), purpose: .synthesis)
        times.append((times.last ?? 0) + 1 + Int64(draws.integer(0, below: 120)))
    }

    private static let structures = [
        "keyint=250:bframes=0:ref=1", "keyint=16:bframes=3:b-adapt=0:b-pyramid=none:ref=3",
        "keyint=30:bframes=7:b-adapt=0:b-pyramid=normal:ref=4", "keyint=12:bframes=3:b-pyramid=normal:open-gop=1",
        "keyint=9:bframes=5:b-adapt=0:b-pyramid=strict:open-gop=1:weightp=2", "keyint=20:bframes=4:slices=3:cabac=0",
        "keyint=24:intra-refresh=1:bframes=2",
    ]

    @Test(arguments: structures, ["mp4", "matroska"])
    func everyFrameOfEveryStructure(structure: String, container: String) throws {
        for (timestamps, rate) in [(Self.even, "even"), (Self.uneven, "uneven")] {
            let bytes = try EncodedStream.make(
                timestamps: timestamps, structure: structure, container: container, seed: 52)
            try expectEveryFrame(bytes, "\(structure), \(container), \(rate)", count: timestamps.count)
            try bytes.withUnsafeBytes { raw in
                let times = try #require(try VideoReader(raw, name: "times").frameTimes)
                for (time, timestamp) in zip(times, timestamps) {
                    #expect(
                        abs(time - Double(timestamp - timestamps[0]) / 1000) < 0.001,
                        "\(structure), \(container), \(rate)"
                    )
                }
            }
        }
    }

    @Test(arguments: [nil, 0, 1, 7, 16])
    func everyFrameOfOurs(skippable: Int?) throws {
        let encoder = try VideoEncoder(
            width: 64, height: 48, framesPerSecond: 30, skippable: skippable, isAnonymous: true)
        for number in 0..<70 {
            let draws = Draws(seed: 53, place: UInt64(number), purpose: .synthesis)
            let pixels = (0..<3 * 64 * 48).map { UInt8(60 + draws.integer($0 / 48, below: 120)) }
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        let bytes = try encoder.finish()
        try expectEveryFrame(bytes, "skippable \(skippable.map { "\($0)" } ?? "as x264 likes")", count: 70)
        let pictures = try CodedPicture.all(bytes)
        #expect(pictures.count == 70 && pictures.count { $0.isKey } == 5)
        // Of 16: the key frame, the one 8 after it, and the last, because the next group does not reach back.
        if skippable == 7 { #expect(pictures.count { $0.isReferred } == 4 * 3 + 2) }
    }

    @Test(
        .enabled(if: RealClips.present, RealClips.missing),
        arguments: [
            ("arm_wrestling.mp4", 280), ("flipping_pancake.mkv", 310), ("rotated_90.mov", 3), ("unordered_pts.mov", 4),
        ])
    func everyFrameOfRealClips(name: String, count: Int) throws {
        try expectEveryFrame(try RealClips.bytes(name), name, count: count)
    }

    private func expectEveryFrame(_ bytes: [UInt8], _ name: String, count: Int) throws {
        let truth = try sequentialDigests(bytes, width: 40, height: 30, access: .sequential(count: count))
        #expect(truth.count == count, "\(name)")
        if count > 4 { #expect(Set(truth).count > count / 2, "\(name)") }
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: name)
            try #require(video.frameCount == count && video.access == .indexed, "\(name): \(video.frameCount)")
            func expect(_ frames: [Int]) throws {
                var seen: [Int] = []
                try video.decode(frames, width: 40, height: 30) { number, frame in
                    seen.append(number)
                    #expect(Digest(of: frame.bytes) == truth[number], "\(name): frame \(number) of \(frames)")
                }
                #expect(seen == frames, "\(name)")
            }
            for frame in 0..<count { try expect([frame]) }
            for rate in [1, 2, 5, 8, 17] {
                for start in stride(from: 0, to: count, by: 13) {
                    try expect((0..<8).map { start + rate * $0 }.filter { $0 < count })
                }
            }
        }
    }

    /// Damage is an error for clips that need the damaged picture, and for no others.
    @Test func damageIsAnErrorWhereItIsNeeded() throws {
        let encoder = try VideoEncoder(width: 64, height: 48, framesPerSecond: 30, skippable: 7, isAnonymous: true)
        for number in 0..<48 {
            let draws = Draws(seed: 54, place: UInt64(number), purpose: .synthesis)
            let pixels = (0..<3 * 64 * 48).map { UInt8(60 + draws.integer($0 / 3, below: 120)) }
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        var bytes = try encoder.finish()
        let truth = try sequentialDigests(bytes, width: 64, height: 48)
        let pictures = try CodedPicture.all(bytes)
        // Of the second group: its key frame is shown as frame 16.
        let first = try #require(pictures.indices.filter { pictures[$0].isKey }.dropFirst().first)
        let damaged = try #require(pictures[first...].firstIndex { !$0.isReferred })
        let range = pictures[damaged].range
        for i in range.lowerBound + range.count / 3..<range.upperBound { bytes[i] = 0 }
        bytes.withUnsafeBytes { raw in
            var good = 0
            for frame in 0..<48 {
                do {
                    let video = try VideoReader(raw, name: "damaged.mp4")
                    try video.decode([frame], width: 64, height: 48) { number, picture in
                        #expect(Digest(of: picture.bytes) == truth[number], "frame \(frame)")
                    }
                    good += 1
                } catch {
                    let fault = error as? Fault
                    #expect(fault?.thing == "damaged.mp4" && fault?.code == .data, "frame \(frame): \(error)")
                    #expect((17..<24).contains(frame), "frame \(frame) does not need what is damaged")
                }
            }
            #expect(good == 47)
        }
    }
}
