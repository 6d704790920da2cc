import Acquisition
import Faults
import Foundation
import Reporting
import Synchronization

/// The names of a list with commas.
func names(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
}

func within(_ value: Int, _ range: ClosedRange<Int>, _ flag: String) throws(Fault) {
    guard range.contains(value) else {
        throw Fault(.usage, flag, "\(value) is not from \(range.lowerBound) to \(range.upperBound)")
    }
}

/// Of a time that something may take.
func within(seconds: Double, _ flag: String) throws(Fault) {
    guard (0.1...86_400).contains(seconds) else {
        throw Fault(.usage, flag, "\(seconds) s is not from 0.1 to 86400")
    }
}

func megabytes(_ bytes: Int) -> Int { (bytes + 500_000) / 1_000_000 }

/// A progress bar over bytes that several threads move.
final class MovingBar: Sendable {
    private struct State {
        var bar: ProgressBar?
        var rate = RateMeter(window: 10)
    }
    private let state = Mutex(State())
    private let label: String

    init(_ label: String) { self.label = label }

    /// - Parameter isLast: the end is shown once, however many updates come after the last whole megabyte.
    func update(done: Int, total: Int, detail: String, withRate: Bool = false, isLast: Bool) {
        let now = ProcessInfo.processInfo.systemUptime
        state.withLock { state in
            if state.bar == nil { state.bar = ProgressBar(label, total: megabytes(total), now: now) }
            state.rate.record(done, at: now)
            let shown = isLast ? megabytes(total) : min(megabytes(done), megabytes(total) - 1)
            state.bar?.update(
                max(0, shown), detail + (withRate ? "  \(tenths(state.rate.perSecond / 1e6)) MB/s" : ""), now: now)
        }
    }
}

/// A progress bar over things that several threads count.
final class CountingBar: Sendable {
    private let bar = Mutex<ProgressBar?>(nil)
    private let label: String

    init(_ label: String) { self.label = label }

    func update(_ done: Int, of total: Int, _ detail: String) {
        let now = ProcessInfo.processInfo.systemUptime
        bar.withLock { bar in
            if bar == nil { bar = ProgressBar(label, total: total, now: now) }
            bar?.update(done, detail, now: now)
        }
    }
}
