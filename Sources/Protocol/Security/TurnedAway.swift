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

/// Counts what is turned away, and says when that is worth a line: a flood must not become one of log lines.
public struct RefusalCount: Sendable {
    public private(set) var count = 0
    private var told: [Double] = []
    private var untold = 0
    private let lines: Int
    private let seconds: Double

    /// - Parameters:
    ///   - lines: At most so many ...
    ///   - seconds: ... in so many seconds.
    public init(lines: Int = 5, seconds: Double = 60) {
        self.lines = lines
        self.seconds = seconds
    }

    /// Counts one more.
    /// - Returns: What to write of it; nil when enough was written of late.
    public mutating func add(_ fault: Fault, now: Double) -> Fault? {
        count += 1
        told.removeAll { now - $0 >= seconds }
        guard told.count < lines else {
            untold += 1
            return nil
        }
        told.append(now)
        defer { untold = 0 }
        guard untold > 0 else { return fault }
        return Fault(fault.code, fault.thing, "\(fault.reason) (and \(untold) more before)", mend: fault.mend)
    }
}
