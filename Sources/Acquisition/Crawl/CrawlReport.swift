import Faults
import Glibc
import Storage

/// What became of a video.
public struct CrawlOutcome: Sendable, Equatable {
    public enum Status: Sendable, Equatable {
        case done
        /// Was there before anything was asked for.
        case present
        case failed(CrawlFailure)

        var word: String {
            switch self {
            case .done: "done"
            case .present: "present"
            case .failed(let failure): failure.rawValue
            }
        }

        init?(_ word: String) {
            switch word {
            case "done": self = .done
            case "present": self = .present
            default:
                guard let failure = CrawlFailure(rawValue: word) else { return nil }
                self = .failed(failure)
            }
        }
    }

    public var id: String
    public var status: Status
    /// In the crawl's folder; empty when there is none.
    public var file = ""
    public var bytes = 0
    /// Of the video, if yt-dlp said.
    public var seconds: Double?
    public var attempts = 0
    /// yt-dlp's words.
    public var message = ""

    static let header = ["id", "status", "file", "bytes", "seconds", "attempts", "message"]

    var fields: [String] {
        [id, status.word, file, "\(bytes)", seconds.map { "\($0)" } ?? "", "\(attempts)", message]
    }

    init(id: String, status: Status) { (self.id, self.status) = (id, status) }

    /// From a line of a report; `nil` for one that was cut or is none.
    init?(_ line: String) {
        let fields = String(line).split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == Self.header.count, CrawlPlan.isIdentity(fields[0]), let status = Status(fields[1]),
            fields[2].isEmpty || isPlainName(fields[2]), let bytes = Int(fields[3]), let attempts = Int(fields[5])
        else { return nil }
        (id, self.status, file) = (fields[0], status, fields[2])
        (self.bytes, seconds, self.attempts, message) = (bytes, Double(fields[4]), attempts, fields[6])
    }
}

/// The report of a crawl, which is what the next one continues from: a line is appended as soon as something is known, of
/// several lines of a video the last counts, and the end of the crawl puts them in order.
struct CrawlJournal {
    private let path: String

    init(_ path: String) { self.path = path }

    /// What earlier crawls found. A last line that was cut is no line.
    func read() throws(Fault) -> [String: CrawlOutcome] {
        guard pathExists(path) else { return [:] }
        var found: [String: CrawlOutcome] = [:]
        let bytes = try readWhole(path)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if let outcome = CrawlOutcome(String(decoding: line, as: UTF8.self)) { found[outcome.id] = outcome }
        }
        return found
    }

    func write(_ outcomes: [CrawlOutcome]) throws(Fault) {
        try writeWhole(tabSeparated([CrawlOutcome.header] + outcomes.map(\.fields)), to: path)
    }

    /// For one thread at a time.
    func append(_ outcome: CrawlOutcome) throws(Fault) {
        let file = try Descriptor(path, O_WRONLY | O_CREAT)
        var failure: Fault?
        let size = try file.size
        var line = tabSeparated([outcome.fields])
        line.withUTF8 { bytes in
            do throws(Fault) { try file.write(UnsafeRawBufferPointer(bytes), at: size) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
