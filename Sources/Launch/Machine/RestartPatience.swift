/// How long to wait before a process that died is started again: 1 s, and twice as long each time, up to a minute, until
/// it has lived for a minute.
struct RestartPatience: Sendable, Equatable {
    /// Deaths in a row.
    private(set) var failures = 0

    /// - Parameter seconds: How long the process lived.
    /// - Returns: Seconds to wait.
    mutating func next(ranFor seconds: Double) -> Double {
        if seconds >= 60 { failures = 0 }
        failures += 1
        return min(60, Double(1 << min(failures - 1, 6)))
    }
}
