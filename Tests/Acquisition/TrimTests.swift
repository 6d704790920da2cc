import Acquisition
import Faults
import Foundation
import Glibc
import Storage
import TestSupport
import Testing
import Video

@Suite("Trimming") struct TrimTests {
    private func folder() throws -> String {
        let folder = NSTemporaryDirectory() + "trim-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        try makeDirectories(folder)
        return folder
    }

    /// A video whose frame n shows n as eight bars, black and white, 25 frames per second.
    private func video(_ path: String, frames: Int, width: Int = 64, height: Int = 48) throws {
        let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: 25)
        for n in 0..<frames {
            let row = (0..<width).flatMap { x in
                [UInt8](repeating: n >> (8 * x / width) & 1 == 1 ? 220 : 30, count: 3)
            }
            let pixels = (0..<height).flatMap { _ in row }
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        try writeWhole(try encoder.finish(), to: path)
    }

    /// The numbers that a video's frames show.
    private func numbers(_ path: String) throws -> [Int] {
        let bytes = try readWhole(path)
        let reader = try bytes.withUnsafeBytes { try VideoReader($0, name: path) }
        var found: [Int] = []
        try reader.decode(Array(0..<reader.frameCount), width: reader.width, height: reader.height) { _, frame in
            let bits = (0..<8).map { frame[(2 * $0 + 1) * frame.width / 16, frame.height / 2][1] > 128 ? 1 << $0 : 0 }
            found.append(bits.reduce(0, +))
        }
        return found
    }

    @Test func framesNearestInTime() {
        let times = (0..<100).map { Double($0) / 25 }
        let profile = TrimProfile.fast
        let frames = profile.frames(times: times, start: 1, seconds: 2)
        #expect(frames.count == 60 && frames.first == 25 && frames.last == 74)
        for (k, frame) in frames.enumerated() {
            #expect(abs(times[frame] - (1 + Double(k) / 30)) <= 0.02 + 1e-9, "tick \(k)")
        }
        // All of it; and what the video does not have.
        #expect(profile.frames(times: times, start: 0, seconds: nil).count == 120)
        #expect(profile.frames(times: times, start: 3, seconds: 10).count == 30)
        #expect(profile.frames(times: times, start: 9, seconds: 10).isEmpty)
        #expect(profile.frames(times: [], start: 0, seconds: nil).isEmpty)
        #expect(profile.frames(times: [0], start: 0, seconds: nil) == [0])
        // However long a container claims to be.
        #expect(profile.frames(times: [0, 1e28], start: 0, seconds: nil).count == 1 << 20)
    }

    @Test(arguments: [
        (640, 480, 426, 320), (480, 640, 320, 426), (1920, 1080, 568, 320), (320, 320, 320, 320), (176, 144, 392, 320),
    ])
    func sizesAreEven(width: Int, height: Int, newWidth: Int, newHeight: Int) {
        let size = TrimProfile.vmz.size(width: width, height: height)
        #expect(size == (newWidth, newHeight))
    }

    @Test(arguments: [(640, 480, 426, 320), (340, 256, 340, 256), (135, 241, 134, 240), (1, 1, 2, 2)])
    func fastEnlargesNothing(width: Int, height: Int, newWidth: Int, newHeight: Int) {
        #expect(TrimProfile.fast.size(width: width, height: height) == (newWidth, newHeight))
    }

    @Test func aClipShowsItsSeconds() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        try video(folder + "/-a.mp4", frames: 100)
        var profile = TrimProfile.fast
        profile.shortSide = 32
        let written = try trimVideo(folder + "/-a.mp4", to: folder + "/c.mp4", start: 1, seconds: 2, profile: profile)
        #expect(written.frames == 60 && written.width == 42 && written.height == 32)
        let found = try numbers(folder + "/c.mp4")
        #expect(found.count == 60)
        // Half a frame of the source, and what rounding makes of a tick between two of them.
        for (k, n) in found.enumerated() {
            #expect(abs(Double(n) / 25 - (1 + Double(k) / 30)) <= 0.02 + 1e-6, "tick \(k) shows frame \(n)")
        }
    }

    @Test func theBytesSayNothingOfTheEncoderAndTheIndexComesFirst() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        try video(folder + "/a.mp4", frames: 60)
        for profile in [TrimProfile.fast, .vmz] {
            for name in ["b", "c"] {
                _ = try trimVideo(
                    folder + "/a.mp4", to: folder + "/\(name).mp4", start: 0, seconds: nil, profile: profile)
            }
            let bytes = try readWhole(folder + "/b.mp4")
            #expect(bytes == (try readWhole(folder + "/c.mp4")))
            let text = String(decoding: bytes, as: Unicode.ASCII.self)
            #expect(!text.contains("x264") && !text.contains("Lavc") && !text.contains("Lavf"))
            let index = try #require(text.range(of: "moov"))
            let data = try #require(text.range(of: "mdat"))
            #expect(index.lowerBound < data.lowerBound)
            let reader = try bytes.withUnsafeBytes { try VideoReader($0, name: "b") }
            #expect(reader.check().problem == nil && reader.frameCount == 72)
        }
    }

    @Test func aVideoThatEndsTooEarlyIsRefused() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        try video(folder + "/a.mp4", frames: 50)
        let fault = #expect(throws: Fault.self) {
            try trimVideo(folder + "/a.mp4", to: folder + "/b.mp4", start: 1, seconds: 10, profile: .fast)
        }
        #expect(fault?.reason.contains("before half of the clip") == true)
        try writeWhole(Array("<html>".utf8), to: folder + "/c.mp4")
        #expect(throws: Fault.self) {
            try trimVideo(folder + "/c.mp4", to: folder + "/b.mp4", start: 0, seconds: nil, profile: .fast)
        }
        #expect(try directoryNames(folder) == ["a.mp4", "c.mp4"])
    }

    /// The display matrix turns the picture: the clip is upright, and shows what a reader shows of the original.
    @Test(.enabled(if: sharedClips != nil, "shared/clips is not beside the source tree"))
    func aVideoThatIsTurnedBecomesUpright() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        let source = try #require(sharedClips) + "/rotated_90.mov"
        let bytes = try readWhole(source)
        let original = try bytes.withUnsafeBytes { try VideoReader($0, name: source) }
        var profile = TrimProfile.fast
        profile.shortSide = 64
        let size = profile.size(width: original.width, height: original.height)
        #expect(original.height > original.width && size.height > size.width, "it is seen upright")
        let written = try trimVideo(source, to: folder + "/a.mp4", start: 0, seconds: nil, profile: profile)
        #expect((written.width, written.height) == size)
        let clip = try readWhole(folder + "/a.mp4")
        let reader = try clip.withUnsafeBytes { try VideoReader($0, name: "a") }
        #expect((reader.width, reader.height) == size && reader.check().problem == nil)
        // Scaled alike, the first frames differ by what the quantizer takes; turned another way they would by far more.
        func first(_ video: VideoReader) throws -> [UInt8] {
            var pixels: [UInt8] = []
            try video.decode([0], width: size.width, height: size.height) { _, frame in pixels = frame.bytes }
            return pixels
        }
        let (a, b) = (try first(original), try first(reader))
        func difference(_ x: [UInt8], _ y: [UInt8]) -> Double {
            Double(zip(x, y).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(x.count)
        }
        let upsideDown = stride(from: a.count - 3, through: 0, by: -3).flatMap { a[$0..<$0 + 3] }
        #expect(a.count == b.count && difference(a, b) < 6, "\(difference(a, b))")
        #expect(difference(upsideDown, b) > 3 * difference(a, b), "\(difference(upsideDown, b))")
    }

    @Test func whatAChildSaysIsNotTakenForAStop() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        let job = TrimJob(source: folder + "/a.mp4", target: folder + "/b.mp4", start: 0, seconds: nil)
        let child = TrimChild(command: ["/bin/sh", "-c", "echo was stopped >&2; exit 75", "child"])
        let fault = #expect(throws: Fault.self) { try trim(TrimOptions(jobs: [job], child: child)) }
        #expect(fault?.code == .stoppedEarly && fault?.thing == job.target, "\(fault as Any)")
        // Who asks to stop hears of the whole.
        child.cancellation.cancel()
        let stop = #expect(throws: Fault.self) { try trim(TrimOptions(jobs: [job], child: child)) }
        #expect(stop?.thing == "trim" && stop?.code == .stoppedEarly, "\(stop as Any)")
    }

    /// Clips that a child in `folder` writes, or does with them what the source's name says.
    private func options(_ folder: String, _ sources: [String]) throws -> TrimOptions {
        let script = #"""
            #!/bin/sh
            for word in "$@"; do source=$target; target=$word; done
            case "$source" in
            *crash) kill -SEGV $$ ;;
            *hang) sleep 600 & sleep 600 ;;
            *bad) echo "zoetrope: it is bad" >&2; exit 65 ;;
            *full) echo "zoetrope: the disk is full" >&2; exit 75 ;;
            *) echo "$@" > "$target" ;;
            esac
            """#
        try writeWhole(script, to: folder + "/child")
        chmod(folder + "/child", 0o755)
        let jobs = sources.map {
            TrimJob(source: folder + "/" + $0, target: folder + "/\($0).mp4", start: 3, seconds: 10)
        }
        return TrimOptions(jobs: jobs, child: TrimChild(command: [folder + "/child", "go"]))
    }

    @Test func aCrashCostsOneClip() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        var options = try options(folder, ["-good", "crash", "hang", "bad", "good"])
        // Whoever does not hang has this long on a busy machine, too.
        options.child.patience = 5
        let first = try trim(options)
        #expect(first.map(\.status) == [.written, .failed, .failed, .failed, .written])
        #expect(first[1].reason.contains("crashed") && first[2].reason.contains("more than 5 s"))
        #expect(first[3].reason == "zoetrope: it is bad")
        let told = String(decoding: try readWhole(folder + "/-good.mp4"), as: UTF8.self)
        #expect(told == "go --start 3 --seconds 10 -- \(folder)/-good \(folder)/-good.mp4\n")
        #expect(try trim(options).map(\.status) == [.present, .failed, .failed, .failed, .present])
        options.child.command = [folder + "/not-there"]
        #expect(throws: Fault.self) { try trim(options) }
    }

    /// Nothing of the videos: the next one would fare no better. Those under way are ended, and what is told is not that.
    @Test func aChildThatCannotGoOnEndsAll() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        var options = try options(folder, ["hang", "full"])
        options.child.patience = 60
        let fault = #expect(throws: Fault.self) { try trim(options) }
        #expect(fault?.code == .stoppedEarly && fault?.thing == folder + "/full.mp4", "\(String(describing: fault))")
        #expect(fault?.reason == "zoetrope: the disk is full")
    }

    /// A video of noise, which no encoder makes small.
    private func noise(_ path: String) throws {
        let (width, height) = (128, 96)
        let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: 25)
        var state: UInt64 = 1
        for _ in 0..<25 {
            let pixels: [UInt8] = (0..<3 * width * height).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(state >> 56)
            }
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        try writeWhole(try encoder.finish(), to: path)
    }

    /// Left out for it, a video would be missing from the set, and nobody would look for it.
    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
    func aFullDiskEndsAPackingAndIsNoFaultOfAVideo() throws {
        let folder = try folder()
        defer { try? removeTree(folder) }
        try noise(folder + "/a.mp4")
        try writeWhole("a.mp4 0\n", to: folder + "/list")
        try SmallDisk.with(kilobytes: 64 << 10) { disk in
            let words = [
                "data", "pack", "--list", "list", "--split", "train", "--out", disk.path + "/set", "--profile", "fast",
                "--json",
            ]
            // Enough for the journals.
            try disk.fill(leaving: 32)
            let full = try Command.run(words, in: folder)
            #expect(full.code == 75 && full.errors.contains("No space left on device"), "\(full.errors)")
            #expect(!pathExists(disk.path + "/set/train"))
            try disk.free()
            let packed = try Command.run(words, in: folder)
            #expect(packed.code == 0 && packed.json["clips"] as? Int == 1, "\(packed.errors)")
            #expect((packed.json["bytes"] as? Int ?? 0) > 32 << 10, "it would have fitted: \(packed.output)")
        }
    }
}
