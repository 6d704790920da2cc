import Testing
import Training
import Worker

/// What mixing does to the values of a unit's clips.
@Suite struct MixedClipsTests {
    /// Three clips of 2 frames of 4 × 5: each value tells clip and place.
    private let clips: [Float] = (0..<360).map { (i: Int) -> Float in
        let value: Int = i / 120 * 1000 + i % 120
        return Float(value)
    }

    private func mixed(_ mix: ClipMixing.Mix) -> [Float] {
        var clips = clips
        clips.withUnsafeMutableBufferPointer { mix.apply(to: $0, N: 3, T: 2, H: 4, W: 5) }
        return clips
    }

    @Test func clipsAreBlendedWithTheirPartners() {
        #expect(mixed(.none) == clips)
        let blended = mixed(.blend(share: 0.75))
        for i in 0..<120 {
            #expect(blended[i] == clips[i] * 0.75 + clips[240 + i] * 0.25)
            #expect(blended[120 + i] == clips[120 + i], "the middle one is its own partner")
            #expect(blended[240 + i] == clips[240 + i] * 0.75 + clips[i] * 0.25)
        }
    }

    @Test func windowsAreExchangedInEveryFrame() {
        let pasted = mixed(.paste(rows: 1..<3, columns: 2..<5, share: 0.7))
        for i in 0..<120 {
            let isInside = (1..<3).contains(i / 15 % 4) && (2..<5).contains(i / 3 % 5)
            #expect(pasted[i] == clips[isInside ? 240 + i : i])
            #expect(pasted[120 + i] == clips[120 + i])
            #expect(pasted[240 + i] == clips[isInside ? i : 240 + i])
        }
    }
}
