/// Why a video could not be had.
///
/// The classes are those that decide what a user can do: nothing (private, removed, short), come from elsewhere
/// (blocked), log in (age), wait (live, limited, network), or look at the words (other).
public enum CrawlFailure: String, Sendable, CaseIterable {
    case `private`
    case removed
    case blocked
    case age
    case live
    /// It ends before the first of its clips does.
    case short
    /// YouTube wants to see less of us, or a proof that we are no machine.
    case limited
    case network
    case other

    /// Whether another attempt in the same run may do better.
    public var passes: Bool {
        switch self {
        case .limited, .network, .other: true
        case .private, .removed, .blocked, .age, .live, .short: false
        }
    }

    /// What yt-dlp's words mean: the first class with a word in them. The order is part of the rule, because messages hold
    /// each other's words: "Video unavailable. This video is private", "sign in to confirm you're not a bot".
    private static let words: [(CrawlFailure, [String])] = [
        (.limited, ["not a bot", "http error 429", "too many requests", "rate-limit", "rate limit"]),
        (.age, ["confirm your age", "age-restricted", "age restricted", "inappropriate for some users"]),
        (.private, ["private video", "video is private", "members-only", "members only", "join this channel"]),
        (
            .blocked,
            ["in your country", "in your location", "geo restrict", "geo-restrict", "blocked it", "who has blocked"]
        ),
        (.live, ["live event", "is live", "premieres in", "premiere will", "live stream recording", "is upcoming"]),
        (
            .removed,
            [
                "has been removed", "removed by", "been terminated", "no longer available", "does not exist",
                "copyright claim", "violating youtube", "violates youtube", "account has been closed",
                "channel has been closed", "incomplete youtube id", "video is not available", "video is unavailable",
                "video unavailable", "this video isn't available",
            ]
        ),
        (
            .network,
            [
                "timed out", "timeout", "connection reset", "connection refused", "connection aborted",
                "name resolution", "name or service not known", "getaddrinfo", "network is unreachable",
                "no route to host",
                "http error 5", "http error 403", "incompleteread", "incomplete read", "ssl", "unable to download",
                "unable to connect", "remote end closed",
            ]
        ),
    ]

    /// - Parameter output: what yt-dlp wrote to standard error.
    public init(_ output: String) {
        let text = Self.message(output).lowercased()
        self = Self.words.first { $0.1.contains(where: text.contains) }?.0 ?? .other
    }

    /// The line that says what happened: the last error, else the last line.
    public static func message(_ output: String) -> String {
        let lines = output.split(whereSeparator: \.isNewline)
        let line = lines.last { $0.hasPrefix("ERROR") } ?? lines.last ?? ""
        // Typographic apostrophes come and go with yt-dlp's versions.
        return EntryRules.printable(
            String(line).split(separator: "\u{2019}", omittingEmptySubsequences: false)
                .joined(separator: "'"))
    }
}
