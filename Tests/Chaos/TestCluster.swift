import Foundation
import Glibc

/// A coordinator and workers as processes, watched and started again as a scheduler would. Of one thread: everything
/// happens in `poll()`, which every wait calls.
final class TestCluster {
    /// One place in the scheduler's table.
    struct Job {
        var command: [String]
        /// Started again when it was killed or ends with 75.
        var restarts = true
        var child: Child?
        var startsAt: Double?
        var starts = 0
        /// Codes and signals with which it ended, in order.
        var exits: [Exit] = []
        var usage = UsageHistory()
    }

    let folder: String
    let run: String
    private(set) var jobs: [String: Job] = [:]
    private(set) var commits = CommitLog()
    private var notices: Tail
    private(set) var notes: [(time: Double, line: String)] = []
    /// Memory and descriptors over each life that has ended.
    private(set) var lives: [(name: String, usage: UsageHistory)] = []
    private var nextSample = 0.0
    /// Seconds from a job's end to its next start: what a scheduler takes.
    var restartDelay = 0.2
    static let coordinator = "coordinator"

    /// - Parameter folder: Of the case; the run is in `folder/run` unless it is said to be elsewhere.
    init(folder: String, run: String? = nil) throws {
        self.folder = folder
        self.run = run ?? folder + "/run"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        notices = Tail(path: folder + "/\(Self.coordinator).log")
    }

    // MARK: - The scheduler

    func start(_ name: String, _ command: [String], restarts: Bool = true) throws {
        var job = jobs[name] ?? Job(command: command)
        job.command = command
        job.restarts = restarts
        job.child = try Child(name, command, folder: folder)
        job.starts += 1
        job.startsAt = nil
        jobs[name] = job
    }

    func pid(_ name: String) -> pid_t? { jobs[name]?.child?.pid }
    func isRunning(_ name: String) -> Bool { jobs[name]?.child.map { $0.poll() == nil } ?? false }
    var running: [String] { jobs.keys.sorted().filter { isRunning($0) } }

    func signal(_ name: String, _ number: Int32) { jobs[name]?.child?.signal(number) }

    func setRestarts(_ name: String, _ restarts: Bool) {
        jobs[name]?.restarts = restarts
        if !restarts { jobs[name]?.startsAt = nil }
    }

    func setCommand(_ name: String, _ command: [String]) { jobs[name]?.command = command }

    /// Ends everything, at once.
    func killAll() {
        for name in jobs.keys {
            jobs[name]?.restarts = false
            jobs[name]?.child?.signal(SIGCONT)
            jobs[name]?.child?.signal(SIGKILL)
            jobs[name]?.child?.wait()
        }
    }

    /// Buries the dead, starts what is due, reads what is new.
    func poll(samplesNow: Bool = false) throws {
        let now = monotonicNow()
        for name in jobs.keys.sorted() {
            guard let job = jobs[name] else { continue }
            if let child = job.child, let exit = child.poll() {
                jobs[name]?.child = nil
                jobs[name]?.exits.append(exit)
                let again: Bool =
                    switch exit {
                    case .signal, .code(75): job.restarts
                    case .code: false
                    }
                jobs[name]?.startsAt = again ? now + restartDelay : nil
                lives.append((name, job.usage))
                jobs[name]?.usage = UsageHistory()
            } else if let due = job.startsAt, now >= due {
                try start(name, job.command, restarts: job.restarts)
            }
        }
        if samplesNow || now >= nextSample {
            nextSample = now + 0.5
            for (name, job) in jobs {
                if let pid = job.child?.pid, let usage = Usage(of: pid) { jobs[name]?.usage.add(usage) }
            }
        }
        commits.read(run + "/metrics.jsonl", now: now)
        for line in notices.lines() { notes.append((now, line)) }
    }

    // MARK: - Waiting

    /// Polls until `condition` holds.
    /// - Throws: `ChaosFault` after `seconds`, with the ends of the logs.
    func wait(_ seconds: Double = 60, for what: String, until condition: () throws -> Bool) throws {
        let deadline = monotonicNow() + seconds
        while true {
            try poll()
            if try condition() { return }
            // Whoever has ended since the look above is seen at the next one.
            guard monotonicNow() < deadline, jobs.values.contains(where: { $0.child != nil || $0.startsAt != nil })
            else {
                let waited = seconds + monotonicNow() - deadline
                throw ChaosFault("after \(Int(waited)) s still waiting for \(what)\n\(lastWords)")
            }
            usleep(4000)
        }
    }

    func run(for seconds: Double) throws {
        let end = monotonicNow() + seconds
        while monotonicNow() < end {
            try poll()
            usleep(4000)
        }
    }

    func waitForStep(_ step: Int, _ seconds: Double = 90) throws {
        try wait(seconds, for: "step \(step)") {
            try expectNobodyRefused()
            return commits.count > step
        }
    }

    /// Waits for a line of the coordinator's log that came after `time`.
    @discardableResult
    func waitForNote(_ text: String, after time: Double = 0, _ seconds: Double = 60) throws -> Double {
        var found = 0.0
        try wait(seconds, for: "'\(text)' from the coordinator") {
            guard let note = notes.first(where: { $0.time >= time && $0.line.contains(text) }) else { return false }
            found = note.time
            return true
        }
        return found
    }

    /// Waits until the worker has joined, or joined again.
    @discardableResult
    func waitForJoin(_ name: String, after time: Double = 0, _ seconds: Double = 60) throws -> Double {
        var found = 0.0
        try wait(seconds, for: "\(name) to join") {
            guard
                let note = notes.first(where: {
                    $0.time >= time && $0.line.contains("worker \(name) on ") && $0.line.hasSuffix(" joined")
                })
            else { return false }
            found = note.time
            return true
        }
        return found
    }

    /// Nobody ended with a code that a scheduler would not answer with a start.
    private func expectNobodyRefused() throws {
        for (name, job) in jobs.sorted(by: { $0.key < $1.key }) where job.restarts && job.child == nil {
            if case .code(let code)? = job.exits.last, code != 0, code != 75 {
                throw ChaosFault("\(name) ended with \(code)\n\(lastWords)")
            }
        }
    }

    /// Waits for the coordinator to end with 0.
    func waitForEnd(_ seconds: Double = 120) throws {
        try wait(seconds, for: "the end of the run") {
            try expectNobodyRefused()
            return jobs[Self.coordinator]?.exits.last == .code(0)
        }
    }

    var lastWords: String {
        jobs.keys.sorted().map { name in
            let path = folder + "/\(name).log"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            let exits = jobs[name]?.exits.map(\.description).joined(separator: ", ") ?? ""
            return "  \(name) [\(exits)]\n    "
                + text.split(separator: "\n").suffix(6).joined(separator: "\n    ")
        }.joined(separator: "\n")
    }
}
