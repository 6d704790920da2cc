import Foundation

/// The steps of a run as they appear in `metrics.jsonl`, and when they were seen.
struct CommitLog {
    private(set) var times: [Double] = []
    private(set) var steps: [Int] = []
    /// How many workers took part.
    private(set) var workers: [Int] = []
    private var tail: Tail?

    var count: Int { (steps.max() ?? -1) + 1 }

    mutating func read(_ path: String, now: Double) {
        if tail == nil { tail = Tail(path: path) }
        for line in tail?.lines() ?? [] {
            guard let json = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any],
                let step = json["step"] as? Int
            else { continue }
            steps.append(step)
            times.append(now)
            workers.append(json["workers"] as? Int ?? 0)
        }
    }

    /// Seconds of a step in the time from `begin` to `end`: the median.
    func median(from begin: Double = 0, to end: Double = .infinity) -> Double? {
        let gaps = gaps(from: begin, to: end).sorted()
        return gaps.isEmpty ? nil : gaps[gaps.count / 2]
    }

    /// The longest time without a new step that ended after `begin` and began before `end`; of one that had begun
    /// earlier, what was left of it at `begin`.
    func longestGap(from begin: Double, to end: Double) -> Double? {
        zip(times, times.dropFirst()).filter { $1 > begin && $0 < end }.map { $1 - max($0, begin) }.max()
    }

    private func gaps(from begin: Double, to end: Double) -> [Double] {
        zip(times, times.dropFirst()).filter { $0 >= begin && $1 <= end }.map { $1 - $0 }
    }
}

/// The lines that are appended to a file, whole ones only.
struct Tail {
    let path: String
    private var offset: UInt64 = 0
    private var rest = Data()

    init(path: String) { self.path = path }

    mutating func lines() -> [String] {
        guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? handle.close() }
        guard (try? handle.seek(toOffset: offset)) != nil, let new = try? handle.readToEnd(), !new.isEmpty else {
            return []
        }
        offset += UInt64(new.count)
        rest += new
        var lines: [String] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
            rest = Data(rest[(end + 1)...])
        }
        return lines
    }
}
