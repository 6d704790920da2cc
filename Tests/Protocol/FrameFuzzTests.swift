import Fuzzing
import Testing

/// Damaged frames: understood or refused, never a crash.
struct FrameFuzzTests {
    /// `make fuzz-frames` runs a million under the address sanitizer.
    private static let inputs = 20_000

    @Test(arguments: [7, 8] as [UInt64])
    func damagedFramesAreUnderstoodOrRefused(seed: UInt64) {
        let frames = FuzzedFrames()
        var tried: [FuzzedFrames.Door: Int] = [:]
        var understood: [FuzzedFrames.Door: Int] = [:]
        for index in 0..<Self.inputs {
            let input = frames.input(index, seed: seed)
            tried[input.door, default: 0] += 1
            switch frames.verdict(input) {
            case .read: understood[input.door, default: 0] += 1
            case .refused: break
            case .wrong(let reason): Issue.record("input \(index), seed \(seed): \(reason)")
            }
        }
        // At no door did all changes break the frames, at none did none.
        for door in FuzzedFrames.Door.allCases {
            let (tried, understood) = (tried[door] ?? 0, understood[door] ?? 0)
            #expect(
                (tried / 50..<tried * 9 / 10).contains(understood), "\(door): \(understood) of \(tried), seed \(seed)")
        }
    }
}
