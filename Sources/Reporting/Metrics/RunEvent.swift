/// Something that happened in a run and is worth a line.
public struct RunEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case started, joined, refused, left, died, promoted, moved, reissued
        case rolledBack = "rolled_back"
        case checkpoint
        case checkpointFailed = "checkpoint_failed"
        case validated, alarm, failed, substituted, note

        /// Whether somebody should look.
        public var isBad: Bool {
            switch self {
            case .died, .refused, .rolledBack, .checkpointFailed, .alarm, .failed: true
            default: false
            }
        }
    }

    /// They are numbered as they come, from 1.
    public var number: Int
    /// Seconds since 1970.
    public var time: Double
    public var kind: Kind
    /// For people, one line.
    public var text: String

    public init(number: Int, time: Double, kind: Kind, text: String) {
        self.number = number
        self.time = time
        self.kind = kind
        self.text = text
    }
}

/// The newest events, and how many of each kind there were.
public struct EventRing: Sendable, Equatable {
    /// In order; of many the oldest are gone.
    public private(set) var events: [RunEvent] = []
    public private(set) var counts: [RunEvent.Kind: Int] = [:]
    public private(set) var total = 0
    private let most: Int

    public init(most: Int = 200) { self.most = most }

    public mutating func add(_ kind: RunEvent.Kind, _ text: String, time: Double) {
        total += 1
        counts[kind, default: 0] += 1
        if events.count == most { events.removeFirst() }
        events.append(RunEvent(number: total, time: time, kind: kind, text: text))
    }
}
