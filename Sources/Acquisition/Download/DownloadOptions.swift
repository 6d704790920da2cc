public import Faults
import Storage

/// What to download, and how.
public struct DownloadOptions: Sendable {
    public var set: PublishedSet
    /// The data set's folder: `lists/`, `annotations/`, `archives/SPLIT/` and `download.tsv` go there.
    public var out: String
    public var splits: [String]
    public var parts = PartSelection.all
    /// Stands in for the published base address, in the lists' own addresses and inside them.
    public var base = PublishedSet.base
    /// Files under way at once.
    public var jobs = 4
    /// Ask the server again about what is here already, and fetch what it replaced.
    public var refresh = false
    public var policy = RetryPolicy()
    public var limits = ConnectionLimits()
    public var cancellation = Cancellation()
    /// Sees how far it is, from several threads, one at a time.
    public var progress: @Sendable (DownloadProgress) -> Void = { _ in }
    /// Hears of attempts that failed, from several threads.
    public var note: @Sendable (String) -> Void = { _ in }
    /// Uniform in 0..<1, for the waits between attempts.
    public var random: @Sendable () -> Double = { .random(in: 0..<1) }
    /// Free bytes where the folder is.
    public var freeBytes: @Sendable (String) throws(Fault) -> Int = freeBytesOnDisk

    public init(set: PublishedSet, out: String, splits: [String]) {
        (self.set, self.out, self.splits) = (set, out, splits)
    }
}

/// How far a download is.
public struct DownloadProgress: Sendable, Equatable {
    /// Bytes that came since the start, and that have to come in all; the servers' word.
    public var bytes = 0
    public var totalBytes = 0
    public var files = 0
    public var totalFiles = 0
}

/// What became of a file.
public struct DownloadOutcome: Sendable, Equatable {
    public enum Status: String, Sendable {
        /// Here and tested.
        case complete
        /// The server says that there is no such file, or has a damaged one; trying again will not help.
        case missing
        /// Did not come this time; trying again may help.
        case failed
        /// Was extracted, and its archive removed.
        case extracted
    }

    /// Below the data set's folder.
    public var name: String
    public var split: String
    public var status: Status
    public var bytes = 0
    public var digest = ""
    /// Requests for its bytes; 0 when it was here.
    public var attempts = 0
    public var reason = ""
}

public struct DownloadReport: Sendable, Equatable {
    /// Archives, lists and annotations, in the order of the set.
    public var files: [DownloadOutcome]

    public func count(_ status: DownloadOutcome.Status) -> Int { files.count { $0.status == status } }
    public var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

    /// One line a file, with a header.
    public var table: String {
        let rows = files.map {
            [$0.name, $0.split, $0.status.rawValue, "\($0.bytes)", $0.digest, "\($0.attempts)", $0.reason]
        }
        return tabSeparated([["file", "split", "status", "bytes", "sha256", "attempts", "reason"]] + rows)
    }
}

/// Rows as TSV: tabs and line ends inside a field become spaces.
func tabSeparated(_ rows: [[String]]) -> String {
    rows.map { row in
        row.map { field in
            String(
                String.UnicodeScalarView(field.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
        }.joined(separator: "\t") + "\n"
    }.joined()
}
