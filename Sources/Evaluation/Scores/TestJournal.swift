public import Faults
public import Storage
import Wire

/// The outcomes of a test so far, so that one that was ended goes on where it was: a log in a folder of its own.
///
/// An outcome that was added survives the power. One thread and one process at a time.
public final class TestJournal {
    /// Of an earlier process of the same test, by the video's rank.
    public let known: [Int: VideoOutcome]
    /// The folder held the outcomes of another test: of another checkpoint, say. They are gone.
    public let replacedAnother: Bool
    private let directory: String
    private let lock: LockFile
    private let log: AppendOnlyLog

    /// Opens the journal, or begins one.
    /// - Parameters:
    ///   - directory: The journal's own, made if it is not there.
    ///   - test: Whatever decides the outcomes.
    ///   - videos: Of the set.
    ///   - classes: Scores of a video.
    ///   - holder: Words that tell another process who has it.
    /// - Throws: a `Fault` when another process has it, when it cannot be read or written, and when it is damaged.
    public init(_ directory: String, of test: Digest, videos: Int, classes: Int, holder: String) throws {
        self.directory = directory
        try makeDirectories(directory)
        lock = try LockFile(directory + "/lock", holder: holder)
        let path = directory + "/log"
        var isOurs = true
        var found: [Int: VideoOutcome] = [:]
        func replay(_ record: UnsafeRawBufferPointer, _ count: Int) throws(Fault) {
            if count == 0 { isOurs = record.elementsEqual(test.bytes) }
            guard count > 0, isOurs else { return }
            guard let (video, outcome) = Self.decoded(record), (0..<videos).contains(video),
                !outcome.isTested || outcome.scores.count == classes
            else {
                throw Fault(
                    .data, directory, "holds an outcome that is none of this test",
                    mend: "remove it: the test begins anew")
            }
            found[video] = outcome
        }

        var count = 0
        let log = try AppendOnlyLog(directory: path) { record in
            try replay(record, count)
            count += 1
        }
        if isOurs {
            self.log = log
        } else {
            try removeTree(path)
            self.log = try AppendOnlyLog(directory: path)
        }
        known = found
        replacedAnother = !isOurs
        if self.log.count == 0 { try self.log.append([test.bytes]) }
    }

    /// - Throws: a `Fault` when the disk does not take it.
    public func add(_ outcome: VideoOutcome, of video: Int) throws(Fault) {
        let parts = TestMessage.tested(video: video, outcome).parts
        try log.append([parts.header + [Self.lineEnd] + (parts.payloads.first ?? [])])
    }

    /// The test is done, and its result is where it belongs.
    public func remove() throws(Fault) { try removeTree(directory) }

    private static let lineEnd = UInt8(ascii: "\n")
    private static let memory = PayloadPool()

    /// What a worker would have said of the video; nil for anything else.
    private static func decoded(_ record: UnsafeRawBufferPointer) -> (video: Int, outcome: VideoOutcome)? {
        guard let end = record.firstIndex(of: lineEnd) else { return nil }
        let (header, payload) = (Array(record[..<end]), Array(record[(end + 1)...]))
        let message = try? TestMessage(
            header: memory.payload(copying: header), payloads: [memory.payload(copying: payload)])
        guard case .tested(let video, let outcome) = message else { return nil }
        return (video, outcome)
    }
}
