import Clips
import Faults
import Storage
import TestSupport
import Testing
import Video

/// What augmentation does to the pixels of clips, and that it is drawn by position.
@Suite struct AugmentationTests {
    private static func settings(
        _ augmentation: AugmentationSettings, resize: ClipSettings.Resize = .exact(width: 40, height: 30)
    ) throws -> ClipSettings {
        try ClipSettings(frames: 4, samplingRate: 2, resize: resize, crop: 24, flip: 0.5, augmentation: augmentation)
    }

    private static var everything: AugmentationSettings {
        get throws {
            AugmentationSettings(
                resizedCrop: try .init(area: 0.2...1, aspect: 0.75...1.3333),
                randAugment: try RandAugment("rand-m9-n6-mstd0.5-inc1"), colourJitter: SIMD3(0.4, 0.4, 0.4),
                lighting: 0.1, erasing: .init(probability: 1, windows: 2, fill: .noise), repeats: 2)
        }
    }

    /// 2 frames of 24 × 24: a sawtooth, in whole numbers of 0 to 255.
    private static let raw: [Float] = (0..<3456).map { (i: Int) -> Float in
        let value: Int = i * 73 + i / 72 * 11
        return Float(value % 256)
    }

    private func augmented(_ augmentation: AugmentationSettings, position: UInt64, seed: UInt64 = 7) throws -> [Float] {
        var clip = Self.raw
        let augmentation = try #require(
            ClipAugmentation(try Self.settings(augmentation), seed: seed, position: position))
        clip.withUnsafeMutableBufferPointer {
            augmentation.apply(to: $0, scale: SIMD3(repeating: 1), offset: .zero)
        }
        return clip
    }

    /// Recorded on AVX-512; no libm and no fused products, so another machine or compiler must not change a bit.
    @Test func pixelsAreTheSameOnEveryMachine() throws {
        var hasher = Digest.Hasher()
        for position in 0..<UInt64(24) {
            try augmented(try Self.everything, position: position).withUnsafeBytes { hasher.update($0) }
        }
        #expect("\(hasher.finish())" == "04e424a2f58189bb4395509fafb4465cf88110999d0eda7991cd0e6d792602fa")
    }

    @Test func colourJitterIsItsFormulas() throws {
        let raw = Self.raw
        func grey(_ i: Int) -> Float {
            let p = i / 3 * 3
            let (r, g, b) = (raw[p] * 0.299, raw[p + 1] * 0.587, raw[p + 2] * 0.114)
            return r + g + b
        }
        func check(_ jitter: SIMD3<Double>, other: (Int) -> Float) throws {
            var factors: Set<Float> = []
            for position in 0..<UInt64(20) {
                let clip = try augmented(AugmentationSettings(colourJitter: jitter), position: position)
                // The factor from one value, the others from it.
                let at: Int = try #require(raw.indices.first { abs(raw[$0] - other($0)) > 60 })
                let factor: Float = (clip[at] - other(at)) / (raw[at] - other(at))
                #expect(factor > 0.5 && factor < 1.5)
                factors.insert(factor)
                for i in stride(from: 0, to: raw.count, by: 7) {
                    let wanted: Float = raw[i] * factor + other(i) * (1 - factor)
                    #expect(abs(clip[i] - wanted) < 1e-2)
                }
            }
            #expect(factors.count > 15)
        }
        try check(SIMD3<Double>(0.5, 0, 0)) { _ in 0 }
        let half = raw.count / 2
        let means: [Float] = (0..<2).map { (t: Int) -> Float in
            var sum: Float = 0
            for i in stride(from: t * half, to: (t + 1) * half, by: 3) { sum += grey(i) }
            return sum / Float(half / 3)
        }
        try check(SIMD3(0, 0.5, 0)) { means[$0 / half] }
        try check(SIMD3(0, 0, 0.5), other: grey)
    }

    /// A clip moves as a whole along the eigenvectors: the same shift for all pixels of a channel.
    @Test func lightingShiftsChannels() throws {
        var shifts: [Float] = []
        for position in 0..<UInt64(200) {
            let clip = try augmented(AugmentationSettings(lighting: 0.1), position: position)
            for c in 0..<3 {
                let shift = clip[c] - Self.raw[c]
                shifts.append(shift)
                for i in stride(from: c, to: clip.count, by: 3) where abs(clip[i] - Self.raw[i] - shift) > 1e-3 {
                    Issue.record("position \(position), value \(i)")
                }
            }
        }
        let deviation = (shifts.reduce(0) { $0 + $1 * $1 } / Float(shifts.count)).squareRoot()
        // 255 · 0.1 · about 0.226, since the eigenvectors are orthonormal; 600 draws, some dependent: 15 %.
        #expect(abs(deviation - 5.76) < 0.9, "\(deviation)")
    }

    @Test(arguments: [AugmentationSettings.Erasing.Fill.noise, .mean])
    func erasingKeepsWhatIsOutside(fill: AugmentationSettings.Erasing.Fill) throws {
        let settings = AugmentationSettings.Erasing(probability: 0.5, windows: 1, fill: fill)
        var erased = 0
        var areas: [Double] = []
        for position in 0..<UInt64(400) {
            let windows = RandomErasing(settings, seed: 2, position: position, side: 24).windows
            guard let window = windows.first else { continue }
            erased += 1
            areas.append(Double(window.rows.count * window.columns.count) / 576)
            guard position < 40 else { continue }
            let clip = try augmented(AugmentationSettings(erasing: settings), position: position, seed: 2)
            for i in clip.indices {
                let (y, x) = (i / 72 % 24, i / 3 % 24)
                if !window.rows.contains(y) || !window.columns.contains(x) {
                    if clip[i] != Self.raw[i] { Issue.record("position \(position), value \(i) changed") }
                } else if fill == .mean, clip[i] != 0 {
                    Issue.record("position \(position), value \(i) was left")
                } else if fill == .noise, abs(clip[i]) > 6 {
                    Issue.record("position \(position), value \(i) is no normal deviate")
                }
            }
        }
        #expect(abs(erased - 200) < 50)
        // Rounded to pixels: shares of 2 to 33 % may be a little more or less.
        #expect(areas.allSatisfy { $0 > 0.01 && $0 < 0.37 } && (areas.max() ?? 0) > 0.25 && (areas.min() ?? 1) < 0.06)
    }

    @Test func resizedWindowsAreAsLargeAsTold() throws {
        let record = try withTemporaryFolder { folder in
            try packedSet(folder, [("v.mp4", try makeVideo(frames: 20), 0)]).set.records[0]
        }
        let settings = try Self.settings(
            AugmentationSettings(resizedCrop: try .init(area: 0.2...0.5, aspect: 0.5...2)))
        var shares: [Double] = []
        for position in 0..<UInt64(300) {
            let plan = ClipPlan(settings, record, seed: 5, position: position)
            #expect(plan.left >= 0 && plan.left + 24 <= plan.width && plan.top >= 0 && plan.top + 24 <= plan.height)
            // 24 of the scaled width are so many of the frame's.
            let (w, h) = (24 / Double(plan.width), 24 / Double(plan.height))
            shares.append(w * h)
            let aspect = w * Double(record.width) / (h * Double(record.height))
            // Sides are rounded to pixels.
            #expect(w * h > 0.17 && w * h < 0.56 && aspect > 0.43 && aspect < 2.3, "\(plan)")
        }
        #expect((shares.min() ?? 1) < 0.25 && (shares.max() ?? 0) > 0.45)
        // Nothing fits: the largest window in the middle.
        let impossible = try Self.settings(AugmentationSettings(resizedCrop: try .init(area: 1...1, aspect: 10...10)))
        let plan = ClipPlan(impossible, record, seed: 5, position: 1)
        #expect(plan.width == 24 && plan.height > 10 * 24 * record.height / record.width - 24)
    }

    @Test func samplingRatesAreDrawnFromTheRange() throws {
        let record = try withTemporaryFolder { folder in
            try packedSet(folder, [("v.mp4", try makeVideo(frames: 40), 0)]).set.records[0]
        }
        var settings = try Self.settings(.none)
        settings.samplingRate = 2
        let plain = (0..<UInt64(100)).map { ClipPlan(settings, record, seed: 1, position: $0) }
        #expect(plain.allSatisfy { $0.frames[1] - $0.frames[0] == 2 })
        settings.mostSamplingRate = 2
        #expect((0..<UInt64(100)).map { ClipPlan(settings, record, seed: 1, position: $0) } == plain)
        settings.mostSamplingRate = 5
        var counts: [Int: Int] = [:]
        for position in 0..<UInt64(800) {
            let frames = ClipPlan(settings, record, seed: 1, position: position).frames
            let rate = frames[1] - frames[0]
            counts[rate, default: 0] += 1
            // It begins where the whole clip has room.
            #expect(frames == (0..<settings.frames).map { frames[0] + $0 * rate } && (frames.last ?? 40) < 40)
        }
        // 200 of each; the deviation is 12.
        #expect(counts.keys.sorted() == [2, 3, 4, 5] && counts.values.allSatisfy { abs($0 - 200) < 60 }, "\(counts)")
    }

    @Test func shortEdgesAreDrawnFromTheRange() throws {
        let record = try withTemporaryFolder { folder in
            try packedSet(folder, [("v.mp4", try makeVideo(frames: 20), 0)]).set.records[0]
        }
        func mean(inverse: Bool) throws -> Double {
            let settings = try Self.settings(.none, resize: .shortEdgeRange(24...96, inverse: inverse))
            let edges = (0..<UInt64(2000)).map {
                let plan = ClipPlan(settings, record, seed: 1, position: $0)
                return min(plan.width, plan.height)
            }
            #expect(edges.allSatisfy((24...96).contains) && Set(edges).count > 60)
            return Double(edges.reduce(0, +)) / 2000
        }
        // The mean of 1/x where 1/x is uniform: ln(b/a) ab/(b - a) = 44.4; deviations of the means 0.46 and 0.42.
        #expect(abs(try mean(inverse: false) - 60) < 2)
        #expect(abs(try mean(inverse: true) - 44.4) < 2)
    }

    @Test func repeatsAreTheSameFramesWithOtherPixels() throws {
        try withTemporaryFolder { folder in
            let videos = try (0..<5).map { ("v\($0).mp4", try makeVideo(frames: 40, seed: UInt64($0)), $0) }
            let set = try packedSet(folder, videos).set
            let settings = try Self.settings(try Self.everything)
            let loader = ClipLoader(set, settings, seed: 3)
            for pair in 0..<UInt64(10) {
                #expect(loader.rank(at: 2 * pair) == loader.rank(at: 2 * pair + 1))
                let plans = (0..<2).map {
                    ClipPlan(settings, set.records[loader.rank(at: 2 * pair)], seed: 3, position: 2 * pair + $0)
                }
                #expect(plans[0].frames == plans[1].frames)
                #expect(plans[0] != plans[1])
            }
            #expect(Set((0..<10).map { loader.rank(at: $0) }) == Set(0..<5), "a pass is ten positions")
        }
    }

    /// Everything at once: another loader that comes from elsewhere gives the same floats, all of them finite.
    @Test func aPositionHoldsTheSameWhateverWasLoadedBefore() throws {
        try withTemporaryFolder { folder in
            let set = try packedSet(
                folder, try (0..<3).map { ("v\($0).mp4", try makeVideo(frames: 30, seed: UInt64($0)), $0) }
            ).set
            let settings = try Self.settings(try Self.everything)
            let (forwards, backwards) = (ClipLoader(set, settings, seed: 3), ClipLoader(set, settings, seed: 3))
            var seen: [[Float]] = []
            for position in 0..<UInt64(12) {
                seen.append(
                    try floats(settings.clipFloats) { _ = try forwards.load(position: position, into: $0) })
            }
            for position in (0..<UInt64(12)).reversed() {
                let clip = try floats(settings.clipFloats) { _ = try backwards.load(position: position, into: $0) }
                #expect(clip == seen[Int(position)] && clip.allSatisfy(\.isFinite))
            }
            #expect(Set(seen).count == 12)
        }
    }
}
