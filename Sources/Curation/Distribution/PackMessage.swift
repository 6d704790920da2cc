package import Faults
package import Storage
package import Wire

/// What travels between a packing and those who help it: one line of words, and payloads behind it.
///
/// Lines come from other processes, so nothing in them is believed: a line that is not exactly one of these is refused,
/// and a payload that is not of the size it must have is, too.
package enum PackMessage: Equatable {
    /// Somebody who wants to help. Of another version nothing but that and the name is read.
    case hello(version: Int, PackHelper)
    case welcome(PackAssignment)
    /// The helper has what it needs, and made this of the trial video.
    case ready(trial: String)
    /// It will never get anything, for this reason.
    case refused(reason: String)
    /// The helper cannot, and goes.
    case failed(reason: String)
    /// Find out about this video, which is to be asked for by its digest.
    case lease(video: Int, CachedFile)
    /// What was found out, as `PackFinding` has it. A video that was written anew is kept until `settled`.
    case found(video: Int, finding: String)
    /// The helper cannot find out about it, or would leave it out.
    case cannot(video: Int, reason: String)
    /// Send this part of the video that was written anew.
    case give(video: Int, offset: Int, count: Int)
    case part(video: Int, offset: Int, bytes: [UInt8])
    /// The video is settled: nothing of it is needed any more.
    case settled(video: Int)
    /// All is done.
    case stop
    /// The packing ends before all is done.
    case stopped(reason: String)

    package static let version = 1

    /// Bytes of a part at most.
    package static let mostPart = 1 << 20
    /// Bytes of a text at most: findings carry what FFmpeg says.
    package static let mostText = 64 << 10
    package static let mostCapacity = 4096
    private static let mostBytes = 1 << 40

    /// The line, and what stands behind it.
    package var parts: (header: [UInt8], payloads: [[UInt8]]) {
        func message(_ words: [String], _ texts: String...) -> ([UInt8], [[UInt8]]) {
            (Array(words.joined(separator: " ").utf8), texts.map { Array($0.utf8.prefix(Self.mostText)) })
        }
        switch self {
        case .hello(let version, let helper):
            return message(["hello", "\(version)", "\(helper.capacity)"], helper.name, helper.libraries)
        case .welcome(let assignment):
            return message(
                ["welcome", "\(assignment.shortSide)", "\(Int((assignment.seconds * 1000).rounded()))"],
                assignment.profile, assignment.description, assignment.trial)
        case .ready(let trial): return message(["ready"], trial)
        case .refused(let reason): return message(["refused"], reason)
        case .failed(let reason): return message(["failed"], reason)
        case .lease(let video, let file):
            return message(["lease", "\(video)", "\(file.byteCount)", "\(file.digest)"], file.name)
        case .found(let video, let finding): return message(["found", "\(video)"], finding)
        case .cannot(let video, let reason): return message(["cannot", "\(video)"], reason)
        case .give(let video, let offset, let count): return message(["give", "\(video)", "\(offset)", "\(count)"])
        case .part(let video, let offset, let bytes):
            return (message(["part", "\(video)", "\(offset)"]).0, [bytes])
        case .settled(let video): return message(["settled", "\(video)"])
        case .stop: return message(["stop"])
        case .stopped(let reason): return message(["stopped"], reason)
        }
    }

    /// - Throws: a data `Fault` for what is no message.
    package init(header: Payload, payloads: [Payload]) throws(Fault) {
        let line = try Line(header, payloads)
        switch line.words[0] {
        case "hello":
            let version = try line.number(1, 0...1 << 30)
            guard version == Self.version else {
                self = .hello(
                    version: version,
                    PackHelper(name: line.payloads.isEmpty ? "" : try line.text(0), libraries: "", capacity: 1))
                return
            }
            try line.expect(3, payloads: 2)
            self = .hello(
                version: version,
                PackHelper(
                    name: try line.text(0), libraries: try line.text(1),
                    capacity: try line.number(2, 1...Self.mostCapacity)))
        case "welcome":
            try line.expect(3, payloads: 3)
            self = .welcome(
                PackAssignment(
                    profile: try line.text(0), shortSide: try line.number(1, 0...1 << 16),
                    description: try line.text(1), seconds: Double(try line.number(2, 1...86_400_000)) / 1000,
                    trial: try line.text(2)))
        case "ready":
            try line.expect(1, payloads: 1)
            self = .ready(trial: try line.text(0))
        case "refused":
            try line.expect(1, payloads: 1)
            self = .refused(reason: try line.text(0))
        case "failed":
            try line.expect(1, payloads: 1)
            self = .failed(reason: try line.text(0))
        case "lease":
            try line.expect(4, payloads: 1)
            guard let digest = Digest(hexadecimal: line.words[3]) else { throw Line.fault }
            self = .lease(
                video: try line.video(),
                CachedFile(
                    digest: digest, byteCount: try line.number(2, 1...Self.mostBytes), name: try line.text(0)))
        case "found":
            try line.expect(2, payloads: 1)
            self = .found(video: try line.video(), finding: try line.text(0))
        case "cannot":
            try line.expect(2, payloads: 1)
            self = .cannot(video: try line.video(), reason: try line.text(0))
        case "give":
            try line.expect(4, payloads: 0)
            self = .give(
                video: try line.video(), offset: try line.number(2, 0...Self.mostBytes),
                count: try line.number(3, 1...Self.mostPart))
        case "part":
            try line.expect(3, payloads: 1)
            guard (1...Self.mostPart).contains(payloads[0].count) else { throw Line.fault }
            self = .part(
                video: try line.video(), offset: try line.number(2, 0...Self.mostBytes),
                bytes: payloads[0].array(of: UInt8.self))
        case "settled":
            try line.expect(2, payloads: 0)
            self = .settled(video: try line.video())
        case "stop":
            try line.expect(1, payloads: 0)
            self = .stop
        case "stopped":
            try line.expect(1, payloads: 1)
            self = .stopped(reason: try line.text(0))
        default: throw Line.fault
        }
    }
}

/// A message's words and what stands behind them.
private struct Line {
    let words: [Substring]
    let payloads: [Payload]

    static var fault: Fault { Fault(.data, "message", "is none of a packing's") }

    init(_ header: Payload, _ payloads: [Payload]) throws(Fault) {
        guard header.count <= 256 else { throw Self.fault }
        words = try Self.text(header).split(separator: " ", omittingEmptySubsequences: false)
        self.payloads = payloads
        if words.isEmpty { throw Self.fault }
    }

    func expect(_ count: Int, payloads expected: Int) throws(Fault) {
        guard words.count == count, payloads.count == expected else { throw Self.fault }
    }

    func number(_ i: Int, _ range: ClosedRange<Int>) throws(Fault) -> Int {
        guard i < words.count, words[i].utf8.count < 16, let number = Int(words[i]), "\(number)" == words[i],
            range.contains(number)
        else { throw Self.fault }
        return number
    }

    func video() throws(Fault) -> Int { try number(1, 0...1 << 32) }

    func text(_ i: Int) throws(Fault) -> String { try Self.text(payloads[i]) }

    private static func text(_ payload: Payload) throws(Fault) -> String {
        guard payload.count <= PackMessage.mostText else { throw fault }
        return try payload.withBytes { bytes throws(Fault) in String(decoding: bytes, as: UTF8.self) }
    }
}
