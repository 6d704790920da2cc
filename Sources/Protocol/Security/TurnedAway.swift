public import Faults

/// Somebody who was turned away before his first message.
public struct TurnedAway: Sendable, Hashable {
    /// His address, as far as the system still knew it.
    public var address: String
    public var reason: String

    public init(address: String, reason: String) {
        self.address = address
        self.reason = reason
    }

    public var fault: Fault { Fault(.data, address, "turned away: \(reason)") }
}

/// Counts what is turned away, and says when that is worth a line: a flood must not become one of log lines, nor hide what is
/// turned away for another reason meanwhile.
public struct RefusalCount: Sendable {
    public private(set) var count = 0
    private var told: [(reason: String, time: Double)] = []
    private var untold = 0
    private let lines: Int
    private let seconds: Double

    /// In `seconds`, at most `lines` of one reason and four times as many in all.
    public init(lines: Int = 5, seconds: Double = 60) {
        self.lines = lines
        self.seconds = seconds
    }

    /// Counts one more.
    /// - Returns: What to write of it; nil when enough was written of late.
    public mutating func add(_ fault: Fault, now: Double) -> Fault? {
        count += 1
        told.removeAll { now - $0.time >= seconds }
        guard told.count < 4 * lines, told.count(where: { $0.reason == fault.reason }) < lines else {
            untold += 1
            return nil
        }
        told.append((fault.reason, now))
        defer { untold = 0 }
        guard untold > 0 else { return fault }
        return Fault(fault.code, fault.thing, "\(fault.reason) (and \(untold) more before)", mend: fault.mend)
    }
}
