import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Video

/// Whatever the bytes, a video is read or is a data fault that names it: never a crash, never silence.
@Suite struct HostileVideoTests {
    private func tryAll(_ bytes: [UInt8], _ what: String) {
        bytes.withUnsafeBytes { raw in
            do {
                let video = try VideoReader(raw, name: "hostile")
                let findings = video.check()
                #expect(findings.decoded >= 0)
                let frames = stride(from: 0, to: video.frameCount, by: max(1, video.frameCount / 5)).prefix(6)
                try video.decode(Array(frames), width: 16, height: 16) { _, frame in
                    #expect(frame.width == 16 && frame.height == 16)
                }
            } catch let fault as Fault {
                #expect(fault.thing == "hostile" && fault.code == .data, "\(what): \(fault)")
            } catch { Issue.record("\(what): \(error)") }
        }
    }

    @Test func textIsNoVideo() {
        for text in [
            "", "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\n", "<?xml version='1.0'?><MPD></MPD>",
            String(repeating: "a b c\n", count: 999),
        ] {
            let bytes = Array(text.utf8)
            let fault = #expect(throws: Fault.self, "\(text.prefix(20))") {
                try bytes.withUnsafeBytes { _ = try VideoReader($0, name: "text.mp4") }
            }
            #expect(fault?.thing == "text.mp4")
        }
    }

    @Test func cutsAreReadOrRefused() throws {
        let whole = try makeVideo(frames: 10)
        for length in stride(from: 1, to: whole.count, by: 97) { tryAll(Array(whole[..<length]), "cut to \(length)") }
    }

    @Test func flippedBytesAreReadOrRefused() throws {
        let whole = try makeVideo(frames: 10)
        // The index of an MP4 made here stands at its end: half of the changes go there.
        for trial in 0..<250 {
            let draws = Draws(seed: 21, place: UInt64(trial), purpose: .simulation)
            var bytes = whole
            for k in 0..<1 + draws.integer(0, below: 4) {
                let tail = min(1500, whole.count)
                let at =
                    draws.integer(3 * k + 1, below: 2) == 0
                    ? whole.count - 1 - draws.integer(3 * k + 2, below: tail)
                    : draws.integer(3 * k + 2, below: whole.count)
                bytes[at] = UInt8(draws.integer(3 * k + 3, below: 256))
            }
            tryAll(bytes, "seed 21, trial \(trial)")
        }
    }

    @Test(
        .enabled(if: RealClips.present, RealClips.missing),
        arguments: ["flipping_pancake.mkv", "rotated_90.mov", "unordered_pts.mov", "corrupted.mp4"])
    func flippedBytesOfRealClips(name: String) throws {
        // A short beginning of the long ones: what is tested is the container's and the decoder's refusal.
        let whole = Array(try RealClips.bytes(name).prefix(60_000))
        for trial in 0..<25 {
            let draws = Draws(seed: 22, place: UInt64(trial), purpose: .simulation)
            var bytes = whole
            for k in 0..<trial {
                let near = draws.integer(3 * k, below: 2) == 0 ? 1600 : whole.count
                bytes[draws.integer(3 * k + 1, below: min(near, whole.count))] = UInt8(
                    draws.integer(3 * k + 2, below: 256))
            }
            tryAll(bytes, "\(name), seed 22, trial \(trial)")
        }
    }

    @Test func absurdTargetsAreContentErrors() throws {
        let bytes = try makeVideo(frames: 2)
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: "v")
            #expect(throws: Fault.self) { try video.decode([0], width: 1 << 20, height: 128) { _, _ in } }
        }
    }
}
