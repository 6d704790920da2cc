import Clips
import Faults
import Storage
import Wire

/// What travels between the processes of a test: one line of words, and payloads behind it.
///
/// Lines come from other processes, so nothing in them is believed: a line that is not exactly one of these is refused,
/// and a payload that is not of the size it must have is, too.
enum TestMessage: Equatable {
    /// A worker that is here, and what it is called.
    case hello(version: Int, name: String)
    /// What is tested.
    case welcome(version: Int, TestAssignment)
    /// The worker is of no use here, and why.
    case refused(reason: String)
    /// The worker has what it needs.
    case ready
    /// The worker cannot, and goes.
    case failed(reason: String)
    case lease(video: Int)
    case tested(video: Int, VideoOutcome)
    case stop

    /// 2: the data set and the checkpoint can be pulled.
    static let version = 2

    private static let mostText = 4 << 20

    /// The line, and what stands behind it.
    var parts: (header: [UInt8], payloads: [[UInt8]]) {
        func line(_ words: String...) -> [UInt8] { Array(words.joined(separator: " ").utf8) }
        switch self {
        case .hello(let version, let name): return (line("hello", "\(version)"), [Array(name.utf8)])
        case .welcome(let version, let assignment):
            return (
                line(
                    "welcome", "\(version)", assignment.allowsUnexpected ? "1" : "0", "\(assignment.viewsAtOnce)",
                    "\(assignment.data.manifestBytes)", "\(assignment.checkpoint.byteCount)"),
                assignment.texts.map { Array($0.utf8) }
            )
        case .refused(let reason): return (line("refused"), [Array(reason.utf8)])
        case .ready: return (line("ready"), [])
        case .failed(let reason): return (line("failed"), [Array(reason.utf8)])
        case .lease(let video): return (line("lease", "\(video)"), [])
        case .stop: return (line("stop"), [])
        case .tested(let video, let outcome):
            guard outcome.isTested else { return (line("untested", "\(video)"), [Array(outcome.problem.utf8)]) }
            let bytes = outcome.scores.flatMap { score in
                (0..<8).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * $0)) }
            }
            return (line("tested", "\(video)", "\(outcome.views)", "\(outcome.rightViews)"), [bytes])
        }
    }

    /// - Throws: a data `Fault` for what is no message.
    init(header: Payload, payloads: [Payload]) throws(Fault) {
        let text = try Self.text(header)
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        func number(_ i: Int, _ range: ClosedRange<Int>) throws(Fault) -> Int {
            guard i < words.count, words[i].utf8.count < 16, let number = Int(words[i]), range.contains(number) else {
                throw Self.fault
            }
            return number
        }
        func expect(_ count: Int, payloads expected: Int) throws(Fault) {
            guard words.count == count, payloads.count == expected else { throw Self.fault }
        }
        let any = 0...1 << 40
        switch words.first {
        case "hello":
            try expect(2, payloads: 1)
            self = .hello(version: try number(1, any), name: try Self.text(payloads[0]))
        case "welcome":
            try expect(6, payloads: TestAssignment.textCount)
            var texts: [String] = []
            for payload in payloads { texts.append(try Self.text(payload)) }
            self = .welcome(
                version: try number(1, any),
                try TestAssignment(
                    texts, viewsAtOnce: try number(3, 1...100_000), allowsUnexpected: try number(2, 0...1) == 1,
                    manifestBytes: try number(4, any), checkpointBytes: try number(5, 1...1 << 40)))
        case "refused":
            try expect(1, payloads: 1)
            self = .refused(reason: try Self.text(payloads[0]))
        case "ready":
            try expect(1, payloads: 0)
            self = .ready
        case "failed":
            try expect(1, payloads: 1)
            self = .failed(reason: try Self.text(payloads[0]))
        case "lease":
            try expect(2, payloads: 0)
            self = .lease(video: try number(1, any))
        case "stop":
            try expect(1, payloads: 0)
            self = .stop
        case "untested":
            try expect(2, payloads: 1)
            self = .tested(video: try number(1, any), VideoOutcome(problem: try Self.text(payloads[0])))
        case "tested":
            try expect(4, payloads: 1)
            let views = try number(2, 1...1 << 40)
            let bits = payloads[0].array(of: UInt64.self)
            guard payloads[0].count == 8 * bits.count, !bits.isEmpty else { throw Self.fault }
            let scores = bits.map { Double(bitPattern: UInt64(littleEndian: $0)) }
            guard scores.allSatisfy(\.isFinite) else { throw Self.fault }
            self = .tested(
                video: try number(1, any),
                VideoOutcome(scores: scores, views: views, rightViews: try number(3, 0...views)))
        default: throw Self.fault
        }
    }

    private static var fault: Fault { Fault(.data, "message", "is none of a test's") }

    private static func text(_ payload: Payload) throws(Fault) -> String {
        guard payload.count <= mostText else { throw fault }
        return try payload.withBytes { bytes throws(Fault) in String(decoding: bytes, as: UTF8.self) }
    }
}
