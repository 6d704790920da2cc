public import Clips
public import Faults
import Storage
import Synchronization
import Threads

/// What checking lists found.
public struct CheckReport: Sendable {
    public struct Bad: Sendable, Equatable {
        /// The name of its file, without the extension.
        public let id: String
        public let path: String
        public let label: Int
        public let stage: CheckStage
        public let reason: String
        public let place: Place
    }

    /// Entries of the lists.
    public let entries: Int
    /// In the order of the lists.
    public let bad: [Bad]
    public let coverage: Coverage
    /// Files whose findings an earlier check left.
    public let resumed: Int

    /// Entries that fail at each stage.
    public var stages: [CheckStage: Int] { Dictionary(grouping: bad, by: \.stage).mapValues(\.count) }

    /// `quarantine.tsv`.
    public func quarantine(classes: [String]) -> String {
        "id\tclass\tstage\treason\tpath\tlist\n"
            + bad.map { bad in
                let name = classes.indices.contains(bad.label) ? classes[bad.label] : String(bad.label)
                return [bad.id, name, bad.stage.rawValue, bad.reason, bad.path, bad.place.description].map(tabless)
                    .joined(separator: "\t") + "\n"
            }.joined()
    }
}

/// Looks at every video of lists, each file once, in children.
public struct ListCheck: Sendable {
    public var rules = CheckRules()
    public var limits = ExaminerLimits()
    /// How many children work at once.
    public var workers = 1
    /// The program that examines: a path a line in, `Examined.text` a line out.
    public var command: [String]
    /// Called with how many of how many files are examined, from several threads.
    public var progress: (@Sendable (Int, Int) -> Void)?

    public init(command: [String]) { self.command = command }

    /// - Throws: a `Fault` when no child starts, or the journal cannot be written.
    public func run(_ lists: [ClipList], journal: CheckJournal) throws(Fault) -> CheckReport {
        let paths = Array(Set(lists.flatMap { $0.entries.map(\.path) })).sorted()
        let found = try examineAll(paths, journal)
        var bad: [CheckReport.Bad] = []
        let classes = 1 + (lists.flatMap { $0.entries.map(\.label) }.max() ?? 0)
        let none = [Int](repeating: 0, count: classes)
        var coverage = Coverage(listed: none, present: none)
        for list in lists {
            for entry in list.entries {
                coverage.listed[entry.label] += 1
                guard let problem = problem(found.outcomes[entry.path] ?? .bad(.missing, "is missing")) else {
                    coverage.present[entry.label] += 1
                    continue
                }
                bad.append(
                    CheckReport.Bad(
                        id: VideoIndex.stem(entry.path.split(separator: "/").last.map(String.init) ?? entry.path),
                        path: entry.path, label: entry.label, stage: problem.stage, reason: problem.reason,
                        place: Place(file: list.name, line: entry.line)))
            }
        }
        return CheckReport(
            entries: coverage.listedCount, bad: bad, coverage: coverage, resumed: found.resumed)
    }

    private func problem(_ outcome: Examined) -> (stage: CheckStage, reason: String)? {
        switch outcome {
        case .bad(let stage, let reason): (stage, reason)
        case .sound(let facts): rules.problem(with: facts)
        }
    }

    private func examineAll(
        _ paths: [String], _ journal: CheckJournal
    ) throws(Fault) -> (outcomes: [String: Examined], resumed: Int) {
        let next = Mutex(0)
        let done = Mutex(0)
        let results = mapOnThreads(name: "check", count: workers, threads: workers) {
            [self] _ -> Result<(found: [String: Examined], resumed: Int), Fault> in
            let examiner = Examiner(command: command, limits: limits)
            var found: [String: Examined] = [:]
            var resumed = 0
            do throws(Fault) {
                while true {
                    let i = next.withLock { value in
                        value += 1
                        return value - 1
                    }
                    guard i < paths.count else { return .success((found, resumed)) }
                    let stamp = try FileStamp(path: paths[i])
                    if let stamp, let known = journal.finding(of: paths[i], stamp) {
                        found[paths[i]] = known
                        resumed += 1
                    } else {
                        let outcome =
                            stamp == nil ? Examined.bad(.missing, "is missing") : try examiner.examine(paths[i])
                        if let stamp, outcome.isOfTheFile { try journal.add(outcome, of: paths[i], stamp) }
                        found[paths[i]] = outcome
                    }
                    let count = done.withLock { value in
                        value += 1
                        return value
                    }
                    progress?(count, paths.count)
                }
            } catch { return .failure(error) }
        }
        var all: [String: Examined] = [:]
        var resumed = 0
        for result in results {
            let part = try result.get()
            all.merge(part.found) { first, _ in first }
            resumed += part.resumed
        }
        return (all, resumed)
    }
}

extension ClipList {
    /// The text of this list without the entries on `lines`; everything else as it stands, the header too.
    /// - Throws: a `Fault` when the file has changed its length since it was read.
    public func text(without lines: Set<Int>) throws(Fault) -> String {
        let bytes = try readWhole(name)
        let all = String(decoding: bytes, as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.endsLine)
        let starts = entries.map(\.line)
        guard (starts.last ?? 0) <= all.count else {
            throw Fault(.data, name, "changed while it was checked", mend: "run the command again")
        }
        var dropped: Set<Int> = []
        for (i, start) in starts.enumerated() where lines.contains(start) {
            // A record may span lines: it reaches to the next one.
            let end = i + 1 < starts.count ? starts[i + 1] : all.count + 1
            dropped.formUnion(start..<max(end, start + 1))
        }
        let kept = all.enumerated().filter { !dropped.contains($0.offset + 1) }.map { String($0.element) }
        let text = kept.joined(separator: "\n")
        return text.hasSuffix("\n") ? text : text + "\n"
    }
}
