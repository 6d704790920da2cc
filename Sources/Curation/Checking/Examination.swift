import Faults
import Reporting
import Storage
import Video

/// What decoding a video from its beginning to its end found.
public struct VideoFacts: Sendable, Equatable {
    public var byteCount: Int
    public var frameCount: Int
    /// As seen, in pixels.
    public var width: Int
    public var height: Int
    /// Frames a second; 0 where the container does not say.
    public var frameRate: Double
    /// How long the container says that it lasts, in seconds; 0 where it does not.
    public var claimedSeconds: Double
    public var codec: String

    public init(
        byteCount: Int, frameCount: Int, width: Int, height: Int, frameRate: Double, claimedSeconds: Double,
        codec: String
    ) {
        self.byteCount = byteCount
        self.frameCount = frameCount
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.claimedSeconds = claimedSeconds
        self.codec = codec
    }
}

/// Where a video fails, in the order in which it is looked at.
public enum CheckStage: String, Sendable, CaseIterable {
    /// There is no such file.
    case missing
    /// The file cannot be read.
    case read
    /// It is no video, or none that can be read.
    case open
    /// It does not decode to its end.
    case decode
    /// The decoder crashed over it.
    case crash
    /// It took more time or memory than it may.
    case limit
    /// It is shorter than it must be, or than its container says.
    case length
    /// Its frames are too small, too large or too narrow.
    case size
    /// Its frames are too few or too many a second.
    case rate
}

/// What looking at one file came to.
public enum Examined: Sendable, Equatable {
    case sound(VideoFacts)
    case bad(CheckStage, String)

    /// Whether the same file gives the same again, on whatever machine: permissions, disks, time and memory may be mended.
    var isOfTheFile: Bool {
        switch self {
        case .sound: true
        case .bad(let stage, _): [.open, .decode].contains(stage)
        }
    }

    /// The most that a video may have.
    private static let mostBytes = 2 << 30

    /// Reads and decodes the file at `path`. A decoder that crashes takes the caller with it: see `ExaminerChild`.
    public init(path: String) {
        do throws(Fault) {
            switch try fileKind(path) {
            case .other: self = .bad(.missing, "is missing")
            case .directory: self = .bad(.read, "is a folder")
            case .file: self = Self.examine(try readWhole(path, limit: Self.mostBytes))
            }
        } catch { self = .bad(.read, error.reason) }
    }

    private static func examine(_ bytes: [UInt8]) -> Examined {
        bytes.withUnsafeBytes { raw in
            do throws(Fault) {
                let video = try VideoReader(raw, name: "video")
                let findings = video.check()
                if let problem = findings.problem {
                    return .bad(.decode, "\(problem) after \(findings.decoded) of \(video.frameCount) frames")
                }
                return .sound(
                    VideoFacts(
                        byteCount: raw.count, frameCount: findings.decoded, width: video.width, height: video.height,
                        frameRate: video.frameRate, claimedSeconds: video.claimedSeconds, codec: video.codec))
            } catch { return .bad(error.reason == VideoReader.nothingDecodes ? .decode : .open, error.reason) }
        }
    }

    /// On one line: what a child answers, and what the journal holds.
    public var text: String {
        switch self {
        case .bad(let stage, let reason): "bad\t\(stage.rawValue)\t\(tabless(reason))"
        case .sound(let facts):
            [
                "sound", "\(facts.byteCount)", "\(facts.frameCount)", "\(facts.width)", "\(facts.height)",
                "\(facts.frameRate)", "\(facts.claimedSeconds)", tabless(facts.codec),
            ].joined(separator: "\t")
        }
    }

    /// - Returns: `nil` for a line that is not whole.
    public init?(text: some StringProtocol) {
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        if fields.count == 3, fields[0] == "bad", let stage = CheckStage(rawValue: String(fields[1])) {
            self = .bad(stage, String(fields[2]))
            return
        }
        guard fields.count == 8, fields[0] == "sound" else { return nil }
        let numbers = fields[1...4].compactMap { Int($0) }
        let rates = fields[5...6].compactMap { Double($0) }
        guard numbers.count == 4, rates.count == 2 else { return nil }
        self = .sound(
            VideoFacts(
                byteCount: numbers[0], frameCount: numbers[1], width: numbers[2], height: numbers[3],
                frameRate: rates[0], claimedSeconds: rates[1], codec: String(fields[7])))
    }
}

/// What a sound video must be like to be of use.
public struct CheckRules: Sendable, Equatable {
    /// The fewest frames.
    public var frames = 16
    /// The smallest and the largest side of a frame, in pixels, and the most that one may be of the other.
    public var sides = 32...8192
    public var aspect = 8.0
    /// Frames a second, where the container says.
    public var rates = 5.0...120.0
    /// Its frames must last this much of what the container says.
    public var share = 0.75

    public init() {}

    /// Why `facts` are not good enough; `nil` when they are.
    public func problem(with facts: VideoFacts) -> (stage: CheckStage, reason: String)? {
        if facts.frameCount < frames { return (.length, "has \(facts.frameCount) frames, fewer than \(frames)") }
        let seconds = facts.frameRate > 0 ? Double(facts.frameCount) / facts.frameRate : 0
        if seconds > 0, seconds < share * facts.claimedSeconds {
            return (
                .length, "its frames last \(tenths(seconds)) s and its container says \(tenths(facts.claimedSeconds)) s"
            )
        }
        let (short, long) = (min(facts.width, facts.height), max(facts.width, facts.height))
        guard short >= sides.lowerBound, long <= sides.upperBound, Double(long) <= aspect * Double(short) else {
            return (.size, "frames of \(facts.width)x\(facts.height) are not plausible")
        }
        guard facts.frameRate == 0 || rates.contains(facts.frameRate) else {
            return (.rate, "\(tenths(facts.frameRate)) frames a second are not plausible")
        }
        return nil
    }
}
