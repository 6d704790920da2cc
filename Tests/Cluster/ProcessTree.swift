import Foundation

/// Processes by what /proc says of them.
enum ProcessTree {
    /// A process and when it began, so that a number that is given out again is no match.
    struct Entry: Hashable {
        let pid: Int32
        let start: String
    }

    /// All that descend from `roots`, without them.
    static func descendants(of roots: [Int32]) -> Set<Entry> {
        var children: [Int32: [Entry]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = Int32(name), let found = fields(pid), let parent = Int32(found[1]) else { continue }
            children[parent, default: []].append(Entry(pid: pid, start: found[19]))
        }
        var out: Set<Entry> = []
        var next = roots
        while let parent = next.popLast() {
            for child in children[parent] ?? [] where out.insert(child).inserted { next.append(child.pid) }
        }
        return out
    }

    /// Whether it still runs; a zombie does not.
    private static func isAlive(_ entry: Entry) -> Bool {
        guard let found = fields(entry.pid) else { return false }
        return found[19] == entry.start && !["Z", "X"].contains(found[0])
    }

    /// The words that it was started with; before it runs its own program, its parent's.
    static func arguments(_ entry: Entry) -> [String] {
        let text = try? String(contentsOfFile: "/proc/\(entry.pid)/cmdline", encoding: .utf8)
        return text?.split(separator: "\0").map(String.init) ?? []
    }

    /// Stops it until SIGCONT.
    /// - Returns: Whether it is stopped; it may have ended, or be about to.
    static func stop(_ entry: Entry) -> Bool {
        kill(entry.pid, SIGSTOP)
        let deadline = Date().addingTimeInterval(60)
        while isAlive(entry), Date() < deadline { if fields(entry.pid)?[0] == "T" { return true } }
        return false
    }

    /// Whether all of them end before `seconds` are over. Who has closed its files may still be on its way out.
    static func end(_ processes: Set<Entry>, within seconds: Double) -> Bool {
        let deadline = Date().addingTimeInterval(seconds)
        while processes.contains(where: isAlive) { if Date() > deadline { return false } }
        return true
    }

    /// Of /proc/PID/stat, from the state on: the name before it may hold anything.
    private static func fields(_ pid: Int32) -> [String]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ").map(String.init)
        return fields.count > 19 ? fields : nil
    }
}
