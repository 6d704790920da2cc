import Clips
import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Video

/// Writes `videos` as files with their labels, packs them as `train`, and opens the set.
func packedSet(
    _ folder: String, _ videos: [(name: String, bytes: [UInt8], label: Int)], decodes: Bool = true
) throws -> (set: PackedSet, report: PackReport) {
    for video in videos { try writeWhole(video.bytes, to: "\(folder)/\(video.name)") }
    let list = videos.map { "\($0.name) \($0.label)\n" }.joined()
    try writeWhole(list, to: folder + "/list.txt")
    var options = PackOptions()
    options.decodes = decodes
    let report = try pack(
        try ClipList(path: folder + "/list.txt"), split: "train", into: folder + "/set", options: options)
    return (try PackedSet(directory: folder + "/set", split: "train"), report)
}

func floats(_ count: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows -> [Float] {
    try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        buffer.initialize(repeating: .nan)
        try body(buffer)
        initialized = count
    }
}

@Suite struct ClipLoaderTests {
    private func videos(_ count: Int) throws -> [(name: String, bytes: [UInt8], label: Int)] {
        try (0..<count).map {
            ("v\($0).mp4", try makeVideo(frames: 20 + $0, seed: UInt64(100 + $0)), $0 % 2)
        }
    }

    private let settings: ClipSettings

    init() throws {
        settings = try ClipSettings(
            frames: 4, samplingRate: 2, resize: .exact(width: 40, height: 30), crop: 24, flip: 0.5)
    }

    @Test func everyPassHoldsEveryClipOnce() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, try videos(5)).set
            let loader = ClipLoader(set, settings, seed: 3)
            for pass in 0..<3 { #expect(Set((0..<5).map { loader.rank(at: UInt64(5 * pass + $0)) }) == Set(0..<5)) }
        }
    }

    /// Another order of loading, another loader and another list order give the same floats at the same position.
    @Test func aPositionHoldsTheSameWhateverWasLoadedBefore() throws {
        try withTemporaryFolder { folder in
            let files = try videos(5)
            try makeDirectories(folder + "/a")
            try makeDirectories(folder + "/b")
            let a = try packedSet(folder + "/a", files).set
            let renamed = files.reversed().map { (name: "other-" + $0.name, bytes: $0.bytes, label: $0.label) }
            let b = try packedSet(folder + "/b", renamed).set
            #expect(a.digest == b.digest)
            let forwards = ClipLoader(a, settings, seed: 3)
            let backwards = ClipLoader(b, settings, seed: 3)
            var seen: [UInt64: ([Float], LoadedClip)] = [:]
            for position in 0..<UInt64(20) {
                var loaded: LoadedClip?
                let clip = try floats(settings.clipFloats) { loaded = try forwards.load(position: position, into: $0) }
                #expect(clip.allSatisfy { $0.isFinite })
                seen[position] = (clip, try #require(loaded))
            }
            for position in (0..<UInt64(20)).reversed() {
                var loaded: LoadedClip?
                let clip = try floats(settings.clipFloats) { loaded = try backwards.load(position: position, into: $0) }
                #expect(clip == seen[position]?.0)
                #expect(loaded == seen[position]?.1)
            }
            #expect(Set(seen.values.map { $0.0 }).count > 15, "positions differ in start, crop and flip")
        }
    }

    /// Against frames decoded one by one, cut and normalised here.
    @Test func uniformClipsAreTheFramesTheyShouldBe() throws {
        try withTemporaryFolder { folder in
            let files = try videos(1)
            let set = try packedSet(folder, files).set
            let count = 3
            let clips = try floats(count * settings.clipFloats) { (out: UnsafeMutableBufferPointer<Float>) throws in
                let views = try ViewSettings(settings, uniform: count)
                let problem = try ViewedVideo(set, rank: 0).decodeViews(views) { _, _ in
                } view: { number, pixels in
                    pixels.write(to: out.extracting(number * pixels.count..<(number + 1) * pixels.count))
                }
                #expect(problem == nil)
            }
            // 20 frames, a span of 7: clips begin at 0, 6 and 13.
            try files[0].bytes.withUnsafeBytes { raw in
                let video = try VideoReader(raw, name: "v")
                for (clip, start) in [0, 6, 13].enumerated() {
                    for t in 0..<4 {
                        try video.decode([start + 2 * t], width: 40, height: 30) { _, frame in
                            for y in 0..<24 {
                                for x in 0..<24 {
                                    let pixel = frame[x + 8, y + 3]
                                    for c in 0..<3 {
                                        let want =
                                            (Float(pixel[c]) - settings.mean[c]) / settings.deviation[c]
                                        let got = clips[(((clip * 4 + t) * 24 + y) * 24 + x) * 3 + c]
                                        guard abs(got - want) < 1e-5 else {
                                            Issue.record("clip \(clip) t \(t) y \(y) x \(x) c \(c): \(got), \(want)")
                                            return
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func aFlippedClipIsTheMirrorImage() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, try videos(1)).set
            var never = settings
            never.flip = 0
            var always = settings
            always.flip = 1
            for position in 0..<UInt64(4) {
                let straight = try floats(settings.clipFloats) {
                    _ = try ClipLoader(set, never, seed: 5).load(position: position, into: $0)
                }
                let mirrored = try floats(settings.clipFloats) {
                    _ = try ClipLoader(set, always, seed: 5).load(position: position, into: $0)
                }
                #expect(straight != mirrored)
                for row in 0..<4 * 24 {
                    for x in 0..<24 {
                        for c in 0..<3 {
                            let (a, b) = (straight[(row * 24 + x) * 3 + c], mirrored[(row * 24 + 23 - x) * 3 + c])
                            if a != b { Issue.record("row \(row) x \(x) c \(c)") }
                        }
                    }
                }
            }
        }
    }

    @Test func aFrozenClipIsItsFirstFrameRepeated() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, try videos(2)).set
            var frozen = settings
            frozen.freezeFrame = true
            for position in 0..<UInt64(4) {
                let still = try floats(settings.clipFloats) {
                    _ = try ClipLoader(set, frozen, seed: 5).load(position: position, into: $0)
                }
                let moving = try floats(settings.clipFloats) {
                    _ = try ClipLoader(set, settings, seed: 5).load(position: position, into: $0)
                }
                let frame = 24 * 24 * 3
                for t in 0..<4 { #expect(still[t * frame..<(t + 1) * frame] == moving[0..<frame], "frame \(t)") }
            }
        }
    }

    @Test func aVideoTooShortIsRepeated() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, [("short.mp4", try makeVideo(frames: 3), 0)]).set
            let long = try ClipSettings(frames: 7, resize: .shortEdge([24]), crop: 24)
            let clip = try floats(long.clipFloats) {
                _ = try ClipLoader(set, long, seed: 5).load(position: 0, into: $0)
            }
            let frame = 24 * 24 * 3
            for t in 3..<7 { #expect(clip[t * frame..<(t + 1) * frame] == clip[(t - 3) * frame..<(t - 2) * frame]) }
            #expect(clip[0..<frame] != clip[frame..<2 * frame])
        }
    }

    @Test func scaleJitterDrawsEveryEdge() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(folder, try videos(1)).set
            let jitter = try ClipSettings(frames: 1, resize: .shortEdge([24, 48]), crop: 24, start: .listed)
            var sharpness: Set<[Float]> = []
            for position in 0..<UInt64(12) {
                sharpness.insert(
                    try floats(jitter.clipFloats) {
                        _ = try ClipLoader(set, jitter, seed: 5).load(position: position, into: $0)
                    })
            }
            #expect(sharpness.count > 4)
        }
    }

    @Test func settingsThatMakeNoSenseAreRefused() {
        #expect(throws: Fault.self) { try ClipSettings(frames: 0, resize: .shortEdge([64]), crop: 56) }
        #expect(throws: Fault.self) { try ClipSettings(frames: 8, resize: .shortEdge([]), crop: 56) }
        #expect(throws: Fault.self) { try ClipSettings(frames: 8, resize: .shortEdge([64, 32]), crop: 56) }
        #expect(throws: Fault.self) { try ClipSettings(frames: 8, resize: .exact(width: 64, height: 32), crop: 56) }
        #expect(throws: Fault.self) { try ClipSettings(frames: 8, resize: .shortEdge([64]), crop: 56, flip: 2) }
        #expect(throws: Fault.self) {
            try ClipSettings(frames: 8, resize: .shortEdge([64]), crop: 56, deviation: SIMD3(1, 0, 1))
        }
    }
}
