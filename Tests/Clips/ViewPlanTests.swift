import Clips
import Faults
import Foundation
import TestSupport
import Testing

/// Which frames and pixels tests see: tables worked out by hand from the origins, and all that `scripts/peers/views.py`,
/// which has nothing in common with the code here, makes of 192 cases.
@Suite struct ViewPlanTests {
    /// A video of constant rate whose stream says how long it is.
    private static func video(
        _ count: Int, rate: Double = 30, ticks: Int = 15360, seconds: Double? = nil, width: Int = 340, height: Int = 256
    ) -> VideoFacts {
        VideoFacts(
            frameCount: count, width: width, height: height, rate: rate, seconds: seconds ?? Double(count) / rate,
            timestamps: (0..<count).map { Int64((Double($0) * Double(ticks) / rate).rounded(.toNearestOrEven)) },
            ticks: ticks)
    }

    private static func settings(
        _ frames: Int, _ sampling: Int = 1, clips: Int = 10, _ starts: ViewSettings.Starts,
        _ geometry: ViewSettings.Geometry = .vmz, resize: ViewSettings.Resize = .shortEdge(256),
        region: ViewSettings.Region = .crops(1, size: 224), repeatsShort: Bool = false
    ) throws -> ViewSettings {
        try ViewSettings(
            frames: frames, samplingRate: sampling, clips: clips, starts: starts, geometry: geometry, resize: resize,
            region: region, repeatsShort: repeatsShort)
    }

    private static func clips(_ settings: ViewSettings, _ video: VideoFacts) -> [[Int]] {
        VideoPlan(settings, video).views.filter { $0.crop == 0 }.map(\.frames)
    }

    private static let protocols: [String: (ViewSettings.Starts, ViewSettings.Geometry)] = [
        "vmz": (.vmz, .vmz), "nonlocal": (.nonlocal, .nonlocal), "slowfast": (.slowfast(rate: 30), .slowfast),
        "slowfast-offset": (.slowfastOffset(rate: 30), .slowfast),
    ]

    private struct Expected: Decodable {
        let clips: [[Int]]
        let size: [Int]
        let corners: [Corner]

        enum Corner: Decodable, Equatable {
            case number(Int)
            case flag(Bool)
            case list([Corner])
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let flag = try? value.decode(Bool.self) {
                    self = .flag(flag)
                } else if let number = try? value.decode(Int.self) {
                    self = .number(number)
                } else {
                    self = .list(try value.decode([Corner].self))
                }
            }
        }
    }

    @Test func everyRecordedCaseIsMetToTheFrameAndThePixel() throws {
        let lines = try text(of: sourceTree + "/Tests/Clips/Fixtures/views.tsv").split(separator: "\n").dropFirst()
        #expect(lines.count == 192)
        for line in lines {
            let fields = line.split(separator: "\t").map(String.init)
            func number(_ i: Int) throws -> Int { try #require(Int(fields[i]), "\(line)") }
            func real(_ i: Int) throws -> Double { try #require(Double(fields[i]), "\(line)") }
            let (starts, geometry) = try #require(Self.protocols[fields[0]])
            let settings = try Self.settings(
                number(1), number(2), clips: number(3), starts, geometry, resize: .shortEdge(number(5)),
                region: .crops(number(4), size: number(6)))
            let video = Self.video(
                try number(7), rate: try real(8), ticks: try number(9), seconds: try real(10), width: try number(11),
                height: try number(12))
            let expected = try JSONDecoder().decode(Expected.self, from: Data(fields[13].utf8))
            let plan = VideoPlan(settings, video)
            let what = fields[..<13].joined(separator: " ")
            #expect(plan.views.filter { $0.crop == 0 }.map(\.frames) == expected.clips, "\(what)")
            #expect([plan.width, plan.height] == expected.size, "\(what)")
            #expect(plan.views.count == expected.clips.count * expected.corners.count, "\(what)")
            for (i, view) in plan.views.enumerated() {
                let (clip, crop) = (i / expected.corners.count, i % expected.corners.count)
                #expect((view.clip, view.crop) == (clip, crop), "\(what)")
                #expect(view.frames == expected.clips[clip], "\(what)")
                #expect(
                    .list([.number(view.left), .number(view.top), .flag(view.mirrored)]) == expected.corners[crop],
                    "\(what) crop \(crop)")
            }
        }
    }

    /// Starts of 300 frames, clips of 64: 0, 23.6, 47.2, ..., 212.4; the first frame shown at or after.
    @Test func slowfastOnTenSeconds() throws {
        let offsets = Array(stride(from: 0, through: 60, by: 2)) + [63]
        let clips = Self.clips(try Self.settings(32, 2, .slowfast(rate: 30)), Self.video(300))
        #expect(clips.map { $0[0] } == [0, 24, 48, 71, 95, 118, 142, 166, 189, 213])
        // Between two stamps that are no frames' lie 64 frames, of whole ones 64, too; here 63, for the last is cut off.
        #expect(clips[0] == offsets)
        #expect(clips[1] == offsets.map { min($0, 62) + 24 })
        let slow = Self.clips(try Self.settings(8, 8, .slowfast(rate: 30)), Self.video(300))
        #expect(slow[0] == [0, 9, 18, 27, 36, 45, 54, 63])
        let x3d = Self.clips(try Self.settings(16, 5, .slowfast(rate: 30)), Self.video(300))
        #expect(x3d[0] == [0, 5, 10, 15, 21, 26, 31, 36, 42, 47, 52, 57, 63, 68, 73, 79])
    }

    @Test func slowfastOnShortVideosRepeatsTheLastFrame() throws {
        let clips = Self.clips(try Self.settings(8, 8, clips: 2, .slowfast(rate: 30)), Self.video(20))
        #expect(clips == [[Int]](repeating: [0, 9, 18, 19, 19, 19, 19, 19], count: 2))
    }

    @Test func slowfastWithOffsets() throws {
        let settings = try Self.settings(16, 4, clips: 5, .slowfastOffset(rate: 30))
        // 300 - 64 = 236, a quarter of it 59.
        #expect(Self.clips(settings, Self.video(300)).map { $0[0] } == [0, 59, 118, 177, 236])
        let one = try Self.settings(16, 4, clips: 1, .slowfastOffset(rate: 30))
        #expect(Self.clips(one, Self.video(300))[0][0] == 118)
    }

    /// 250 frames a second... no more than the file has: a claim of any length ends at its last frame.
    @Test func hostileClaimsStayInTheVideo() throws {
        for seconds in [1e-300, 1e18, .greatestFiniteMagnitude] {
            for rate in [1e-9, 4e9] {
                let video = Self.video(12, rate: rate, ticks: 1, seconds: seconds)
                for starts in [ViewSettings.Starts.slowfast(rate: 30), .slowfastOffset(rate: 1e-2), .nonlocal] {
                    for clip in Self.clips(try Self.settings(8, 8, starts), video) {
                        #expect(clip.allSatisfy { (0..<12).contains($0) }, "\(seconds) s at \(rate): \(clip)")
                    }
                }
            }
        }
    }

    @Test func vmzSpreadsFromTheFirstFrameToTheLast() throws {
        let clips = Self.clips(try Self.settings(8, 1, .vmz), Self.video(300))
        // Steps of 292 / 9.
        #expect(clips.map { $0[0] } == [0, 32, 64, 97, 129, 162, 194, 227, 259, 292])
        #expect(clips[9] == Array(292..<300))
        #expect(Self.clips(try Self.settings(8, 1, clips: 1, .vmz), Self.video(300)) == [Array(0..<8)])
        // Caffe2 decodes no more than 10000 frames.
        #expect(Self.clips(try Self.settings(8, 1, clips: 2, .vmz), Self.video(20_000))[1] == Array(9992..<10_000))
    }

    @Test func aVideoShorterThanAClipHasNoViewsAtVMZ() throws {
        for starts in [ViewSettings.Starts.vmz, .dense(stride: 1)] {
            #expect(VideoPlan(try Self.settings(8, 2, starts), Self.video(14)).views.isEmpty)
            #expect(!VideoPlan(try Self.settings(8, 2, starts), Self.video(15)).views.isEmpty)
            let settings = try Self.settings(8, 2, clips: 1, starts, repeatsShort: true)
            #expect(Self.clips(settings, Self.video(5)) == [[0, 2, 4, 1, 3, 0, 2, 4]])
        }
    }

    @Test func denseClipsBeginWhereverThereIsRoom() throws {
        let all = Self.clips(try Self.settings(4, 2, clips: 0, .dense(stride: 3)), Self.video(16))
        #expect(all == [[0, 2, 4, 6], [3, 5, 7, 9], [6, 8, 10, 12], [9, 11, 13, 15]])
        let some = Self.clips(try Self.settings(4, 2, clips: 2, .dense(stride: 3)), Self.video(16))
        #expect(some == Array(all[..<2]))
    }

    @Test(arguments: [
        (3, 4, 3, [0, 1]), (2, 10, 4, [0, 2, 4, 6]),
        // The last clip ends with the video.
        (3, 10, 4, [0, 3, 6]), (4, 10, 4, [0, 4, 6]), (100, 10, 4, [0, 6]), (1, 4, 4, [0]),
        // Shorter than a clip.
        (2, 3, 4, [0]),
    ])
    func aSlidingWindowEndsWithTheVideo(stride: Int, frames: Int, span: Int, starts: [Int]) throws {
        let settings = try Self.settings(span, 1, .vmz).sliding(stride: stride)
        #expect(Self.clips(settings, Self.video(frames)).map { $0[0] } == starts)
    }

    @Test func aListedClipBeginsWhereTheListSays() throws {
        let settings = try Self.settings(4, 2, .vmz).listed
        var video = Self.video(20)
        #expect(VideoPlan(settings, video).views.isEmpty)
        for (start, frames) in [(3, [3, 5, 7, 9]), (18, [18, 0, 2, 4]), (25, [19, 1, 3, 5])] {
            video.listedStart = start
            #expect(Self.clips(settings, video) == [frames])
        }
    }

    /// Other numbers of clips, spread evenly, whatever the protocol; a square out of the middle.
    @Test func variantsOfViews() throws {
        for starts in [ViewSettings.Starts.dense(stride: 3), .vmz] {
            let settings = try Self.settings(4, 1, starts)
            #expect(Self.clips(settings.spread(clips: 3), Self.video(10)).map { $0[0] } == [0, 3, 6])
            #expect(Self.clips(settings.spread(clips: 2), Self.video(3)).map { $0[0] } == [0, 0])
        }
        let middle = try Self.settings(4, 1, .vmz).middle(size: 16)
        #expect(middle.crops == 1)
        #expect(throws: Fault.self) { try Self.settings(4, 1, .vmz).middle(size: 4096) }
    }

    @Test func nonlocalGoesOnAtTheBeginning() throws {
        let clips = Self.clips(try Self.settings(8, 8, .nonlocal), Self.video(300))
        #expect(clips.map { $0[0] } == stride(from: 0, to: 300, by: 30).map { $0 })
        #expect(clips[9] == [270, 278, 286, 294, 2, 10, 18, 26])
    }

    @Test func threeCropsLieAlongTheLongerSide() throws {
        func corners(_ geometry: ViewSettings.Geometry, _ width: Int, _ height: Int) throws -> [[Int]] {
            let settings = try Self.settings(1, 1, clips: 1, .vmz, geometry, region: .crops(3, size: 256))
            return VideoPlan(settings, Self.video(1, width: width, height: height)).views.map { [$0.left, $0.top] }
        }
        #expect(try corners(.vmz, 342, 256) == [[0, 0], [43, 0], [86, 0]])
        #expect(try corners(.slowfast, 341, 256) == [[0, 0], [43, 0], [85, 0]])
        // The third crop ends one pixel before the edge where the room is odd.
        #expect(try corners(.nonlocal, 341, 256) == [[0, 0], [42, 0], [84, 0]])
        #expect(try corners(.slowfast, 256, 455) == [[0, 0], [0, 100], [0, 199]])
        #expect(try corners(.nonlocal, 256, 456) == [[0, 0], [0, 100], [0, 200]])
        #expect(try corners(.vmz, 256, 256) == [[0, 0], [0, 0], [0, 0]])
    }

    @Test func wholeFramesKeepTheirShape() throws {
        let settings = try Self.settings(8, 1, clips: 2, .nonlocal, .nonlocal, region: .frame)
        let plan = VideoPlan(settings, Self.video(60, width: 480, height: 360))
        #expect((plan.viewWidth, plan.viewHeight) == (341, 256))
        #expect(plan.views.count == 2 && plan.views.allSatisfy { $0.left == 0 && $0.top == 0 })
    }

    @Test func whatMakesNoSenseIsRefusedByItsKey() {
        func key(_ body: () throws -> ViewSettings) -> String? {
            do { _ = try body() } catch { return (error as? Fault)?.thing }
            return nil
        }
        #expect(key { try Self.settings(8, 1, clips: 0, .vmz) } == "test.clips")
        #expect(key { try Self.settings(8, 1, .vmz, region: .crops(2, size: 9)) } == "test.crops")
        #expect(key { try Self.settings(8, 1, .vmz, region: .crops(1, size: 257)) } == "test.crop")
        #expect(key { try Self.settings(8, 1, .vmz, resize: .exact(width: 300, height: 200)) } == "test.crop")
        #expect(key { try Self.settings(0, 1, .vmz) } == "input.frames")
        #expect(key { try Self.settings(8, 1, .slowfast(rate: 0)) } == "test.target_rate")
    }
}
