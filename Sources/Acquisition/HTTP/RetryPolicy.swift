/// How often and how soon a failed download is tried again: a state machine; randomness is an argument.
///
/// Waits double up to a longest one, each shortened at random by up to half, so that many machines that lost the same
/// server do not come back at once. A server that says how long to wait is obeyed. Failures count in a row: an attempt
/// that brought bytes begins the count anew, because a line that breaks once a gigabyte must not end a download of 450.
public struct RetryPolicy: Sendable, Equatable {
    /// Failed attempts in a row without a new byte, after which it gives up.
    public var attempts = 8
    /// Seconds.
    public var firstWait = 1.0
    public var longestWait = 60.0
    /// The longest wait that a server may ask for; more than that and the file is given up for this time.
    public var longestRetryAfter = 900.0

    public init() {}

    public enum Decision: Sendable, Equatable {
        /// Seconds.
        case wait(Double)
        case giveUp(String)
    }

    /// The failures of one file so far.
    public struct History: Sendable, Equatable {
        public private(set) var failuresInARow = 0
        public private(set) var failures = 0
        public init() {}

        /// - Parameter random: uniform in 0..<1.
        public mutating func failed(
            _ reason: String, retryAfter: Double? = nil, progressed: Bool, policy: RetryPolicy, random: Double
        ) -> Decision {
            failures += 1
            failuresInARow = progressed ? 1 : failuresInARow + 1
            guard failuresInARow < policy.attempts else {
                return .giveUp("\(reason), \(failuresInARow) times in a row")
            }
            if let retryAfter, retryAfter > policy.longestRetryAfter {
                return .giveUp("\(reason), and asks to come back in \(Int(retryAfter)) s")
            }
            // 2^30 s is far beyond any longest wait.
            let doubled = policy.firstWait * Double(1 << min(failuresInARow - 1, 30))
            let wait = min(doubled, policy.longestWait) * (1 - random / 2)
            return .wait(max(wait, retryAfter ?? 0))
        }
    }
}

/// Notices a transfer that hardly moves: a server that hangs holds a connection open for ever.
public struct StallWatch: Sendable {
    /// Seconds in which at least `leastBytes` have to come.
    private let window: Double
    private let leastBytes: Int
    private var windowStart: Double
    private var bytesInWindow = 0

    public init(window: Double, leastBytes: Int, now: Double) {
        (self.window, self.leastBytes, windowStart) = (window, leastBytes, now)
    }

    public mutating func received(_ bytes: Int) { bytesInWindow += bytes }

    /// Whether too little came in the window that ends now; begins the next one when enough did.
    public mutating func isStalled(now: Double) -> Bool {
        guard now - windowStart >= window else { return false }
        defer { (windowStart, bytesInWindow) = (now, 0) }
        return bytesInWindow < leastBytes
    }
}
