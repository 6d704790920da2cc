/// Progress on stderr: one line that redraws itself on a terminal, a plain line now and then elsewhere.
public struct ProgressBar {
    private let label: String
    private let total: Int
    private let first: Int
    private let isTerminal: Bool
    /// Seconds between two plain lines, and between two redraws on a terminal.
    private let plainInterval: Double
    private let redrawInterval = 0.1
    private let start: Double
    private var lastShown = -Double.infinity
    private let write: (String) -> Void

    /// - Parameters:
    ///   - total: how many steps make the whole; 0 shows no percentage.
    ///   - first: how many of them were done before: they cost none of the time since `now`.
    ///   - now: seconds of a monotonic clock.
    public init(
        _ label: String, total: Int, first: Int = 0, now: Double, isTerminal: Bool = standardErrorIsTerminal(),
        plainInterval: Double = 10,
        write: @escaping (String) -> Void = standardProgress
    ) {
        self.label = label
        self.total = total
        self.first = first
        self.isTerminal = isTerminal
        self.plainInterval = plainInterval
        start = now
        self.write = write
    }

    /// Shows that `done` steps are done, with whatever else there is to say (`loss 1.234  12.3 clips/s`).
    public mutating func update(_ done: Int, _ detail: String, now: Double) {
        let interval = isTerminal ? redrawInterval : plainInterval
        guard now - lastShown >= interval || done == total else { return }
        lastShown = now
        let fraction = total > 0 ? Double(min(done, total)) / Double(total) : 0
        let made = done - first
        let eta = made > 0 && total > done ? (now - start) / Double(made) * Double(total - done) : 0
        let figures = "\(label) \(done)/\(total)  \(detail)  \(ProgressBar.duration(eta)) left"
        if isTerminal {
            let filled = Int(fraction * 24)
            let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled)
            write("\r\u{1B}[2K\(bar) \(figures)" + (done == total ? "\n" : ""))
        } else {
            write(figures + "\n")
        }
    }

    /// `3:07` or `2:03:07`.
    public static func duration(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 1e9)).rounded())
        let two = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
        return whole < 3600
            ? "\(whole / 60):\(two(whole % 60))" : "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
    }
}
