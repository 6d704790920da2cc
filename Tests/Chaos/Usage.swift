import Foundation
import Glibc

/// What a process has of memory and descriptors.
struct Usage {
    let time: Double
    let residentBytes: Int
    let descriptors: Int
    /// User and system time, in seconds.
    let cpu: Double

    /// - Returns: `nil` when the process is gone.
    init?(of pid: pid_t) {
        guard let memory = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8),
            let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"),
            let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = stat.lastIndex(of: ")")
        else { return nil }
        let words = memory.split(separator: " ")
        // After the name: state is field 3 of proc(5), utime and stime are 14 and 15.
        let fields = stat[name...].split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]), pages > 0, fields.count > 14, let user = Double(fields[12]),
            let system = Double(fields[13])
        else { return nil }
        time = monotonicNow()
        residentBytes = pages * sysconf(Int32(_SC_PAGESIZE))
        descriptors = open.count
        cpu = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Samples of one process over time.
struct UsageHistory {
    private(set) var samples: [Usage] = []

    mutating func add(_ usage: Usage) { samples.append(usage) }

    /// Growth per hour by least squares over the later three quarters, for the first quarter is the start.
    /// - Returns: `nil` for too few samples to say anything.
    func slopePerHour(_ value: (Usage) -> Int) -> Double? {
        let settled = Array(samples.dropFirst(samples.count / 4))
        guard settled.count >= 8 else { return nil }
        let x = settled.map { $0.time - settled[0].time }
        let y = settled.map { Double(value($0)) }
        let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
        let spread = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        guard spread > 0 else { return nil }
        return zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / spread * 3600
    }
}
