public import Faults
import Storage
import Threads

/// A clip that is to be written.
public struct TrimJob: Sendable, Equatable {
    public var source: String
    public var target: String
    /// Seconds; `seconds` `nil` for all that follows.
    public var start: Int
    public var seconds: Int?

    public init(source: String, target: String, start: Int, seconds: Int?) {
        (self.source, self.target, self.start, self.seconds) = (source, target, start, seconds)
    }

    /// What the child is told after its command.
    public var arguments: [String] {
        ["--start", "\(start)"] + (seconds.map { ["--seconds", "\($0)"] } ?? []) + ["--", source, target]
    }
}

/// Writes a clip in a child process, so that a video that crashes or hangs the decoder costs itself.
public struct TrimChild: Sendable {
    /// The program that writes one clip, given its arguments.
    public var command: [String]
    /// Seconds for one clip.
    public var patience = 600.0
    public var cancellation = Cancellation()

    public init(command: [String]) { self.command = command }

    /// - Returns: `written`, or `failed` with the reason.
    /// - Throws: `.stoppedEarly` when somebody asked to stop, or the child could not go on (a full disk); a `Fault` when the
    ///   child cannot be started at all.
    public func write(_ job: TrimJob) throws(Fault) -> TrimOutcome {
        if cancellation.isCancelled { throw Fault(.stoppedEarly, job.target, "was stopped") }
        let child = try ChildProcess.run(command + job.arguments, seconds: patience, cancellation: cancellation)
        let (status, reason) = verdict(child, patience)
        // Nothing of the video: the next one would fare no better.
        if child.code == Fault.Code.stoppedEarly.rawValue { throw Fault(.stoppedEarly, job.target, reason) }
        return TrimOutcome(target: job.target, source: job.source, status: status, reason: reason)
    }
}

public struct TrimOptions: Sendable {
    public var jobs: [TrimJob]
    public var child: TrimChild
    public var threads = 2
    /// From several threads.
    public var progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }

    public init(jobs: [TrimJob], child: TrimChild) { (self.jobs, self.child) = (jobs, child) }
}

public struct TrimOutcome: Sendable, Equatable {
    public enum Status: String, Sendable { case written, present, failed }
    public var target: String
    public var source: String
    public var status: Status
    public var reason = ""

    public init(target: String, source: String, status: Status, reason: String = "") {
        (self.target, self.source, self.status, self.reason) = (target, source, status, reason)
    }

    public static func table(_ outcomes: [TrimOutcome]) -> String {
        tabSeparated(
            [["clip", "video", "status", "reason"]]
                + outcomes.map { [$0.target, $0.source, $0.status.rawValue, $0.reason] })
    }
}

/// Writes clips in child processes, several at once; those that are there already are left alone.
///
/// - Returns: the outcomes, in the order of the jobs.
/// - Throws: `.stoppedEarly` when somebody asked to stop; a `Fault` when the child cannot be started at all.
public func trim(_ options: TrimOptions) throws(Fault) -> [TrimOutcome] {
    let done = Counter()
    let results = mapOnThreads(name: "trim", count: options.jobs.count, threads: options.threads) {
        i -> Result<TrimOutcome?, Fault> in
        let job = options.jobs[i]
        defer { options.progress(done.increment(), options.jobs.count) }
        if pathExists(job.target) {
            return .success(TrimOutcome(target: job.target, source: job.source, status: .present))
        }
        do throws(Fault) { return .success(try options.child.write(job)) } catch {
            // After a stop the others say only that they were stopped.
            guard !options.child.cancellation.isCancelled else { return .success(nil) }
            options.child.cancellation.cancel()
            return .failure(error)
        }
    }
    var outcomes: [TrimOutcome] = []
    for result in results { if let outcome = try result.get() { outcomes.append(outcome) } }
    guard outcomes.count == options.jobs.count else {
        throw Fault(.stoppedEarly, "trim", "was stopped", mend: "the same command continues")
    }
    return outcomes
}

private func verdict(_ child: ChildProcess.Result, _ patience: Double) -> (TrimOutcome.Status, String) {
    if child.isOverdue { return (.failed, "took more than \(Int(patience)) s") }
    if child.code == 0 { return (.written, "") }
    let words = child.errors.split(whereSeparator: \.isNewline).last.map { EntryRules.printable(String($0)) } ?? ""
    guard let code = child.code else { return (.failed, "crashed the decoder or the encoder") }
    return (.failed, words.isEmpty ? "the child ended with code \(code)" : words)
}
