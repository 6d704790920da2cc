public import Faults

/// A clip that annotations name.
public struct CrawlRow: Sendable, Equatable {
    /// YouTube's identity of the video.
    public var id: String
    /// Seconds in the video.
    public var end: Int?
    /// Where the row stands, for people: `train.csv:7`.
    public var place: String

    public init(id: String, end: Int?, place: String) { (self.id, self.end, self.place) = (id, end, place) }
}

/// Which videos have to be fetched for some clips: each once.
public struct CrawlPlan: Sendable, Equatable {
    public struct Video: Sendable, Equatable {
        public let id: String
        /// Seconds it has to last for one of its clips at least; `nil` when no row says.
        public let shortestEnd: Int?
    }

    /// In the order of the rows.
    public let videos: [Video]

    /// - Throws: a data `Fault` with the place of a row whose identity is none: 11 letters, digits, `-` and `_`.
    public init(_ rows: [CrawlRow]) throws(Fault) {
        var ends: [String: Int?] = [:]
        var order: [String] = []
        for row in rows {
            guard Self.isIdentity(row.id) else {
                throw Fault(
                    .data, row.place, "'\(EntryRules.printable(row.id))' is no YouTube identity (11 letters)",
                    mend: "spreadsheets damage identities that begin with '-': take the published file")
            }
            if let known = ends[row.id] {
                ends[row.id] = known.flatMap { known in row.end.map { min(known, $0) } } ?? (known ?? row.end)
            } else {
                order.append(row.id)
                ends[row.id] = row.end
            }
        }
        guard !order.isEmpty else { throw Fault(.data, "the annotations", "name no video") }
        videos = order.map { Video(id: $0, shortestEnd: ends[$0] ?? nil) }
    }

    static func isIdentity(_ id: String) -> Bool {
        id.utf8.count == 11
            && id.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x5F
            }
    }
}

/// The arguments for yt-dlp: a vector that no shell sees.
public enum CrawlArguments {
    /// The best picture of at most `height` rows, without sound, and MP4 where there is a choice.
    static func format(height: Int) -> String {
        [
            "bv[height<=\(height)][ext=mp4]", "b[height<=\(height)][ext=mp4]", "bv[height<=\(height)]",
            "b[height<=\(height)]", "b",
        ]
        .joined(separator: "/")
    }

    /// - Parameters:
    ///   - folder: a folder of this video alone; whatever appears in it is the answer.
    ///   - extra: what the user adds, such as `--cookies FILE`.
    public static func vector(program: String, id: String, folder: String, height: Int, extra: [String]) -> [String] {
        // A percent sign begins a field of yt-dlp's templates.
        let template = folder.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
        return [
            program, "--ignore-config", "--no-playlist", "--no-progress", "--no-mtime", "--newline", "--retries", "3",
            "--format", format(height: height), "--print", "after_move:duration=%(duration)s", "--output",
            template + "/video.%(ext)s",
        ] + extra + ["--", "https://www.youtube.com/watch?v=" + id]
    }

    /// Seconds, as yt-dlp prints them.
    static func duration(in output: String) -> Double? {
        for line in output.split(separator: "\n") where line.hasPrefix("duration=") {
            return Double(line.dropFirst(9)).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
        }
        return nil
    }
}
