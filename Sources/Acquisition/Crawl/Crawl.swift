public import Faults
import Glibc
import Storage
import Synchronization
import Threads

/// What to fetch from YouTube, and how.
public struct CrawlOptions: Sendable {
    public var plan: CrawlPlan
    /// Videos go there as `ID.mp4` (or whatever they are), and `crawl.tsv`.
    public var out: String
    /// The user's own yt-dlp.
    public var program = "yt-dlp"
    /// Arguments for it, such as `--cookies FILE`.
    public var extra: [String] = []
    /// Rows of the picture at most.
    public var height = 480
    /// Videos under way at once.
    public var jobs = 2
    public var policy = RetryPolicy()
    /// Seconds that all wait when YouTube limits.
    public var limitedWait = 60.0
    /// Seconds for one attempt.
    public var patience = 1800.0
    /// Failures of earlier crawls that are tried again; those that may pass are in any case.
    public var again: Set<CrawlFailure> = []
    public var cancellation = Cancellation()
    /// Sees how many videos are settled, from several threads, one at a time.
    public var progress: @Sendable (_ done: Int, _ total: Int, _ failed: Int) -> Void = { _, _, _ in }
    public var note: @Sendable (String) -> Void = { _ in }
    public var random: @Sendable () -> Double = { .random(in: 0..<1) }

    public init(plan: CrawlPlan, out: String) {
        (self.plan, self.out) = (plan, out)
        policy.attempts = 4
        policy.firstWait = 5
    }
}

public struct CrawlReport: Sendable, Equatable {
    /// In the order of the plan.
    public var videos: [CrawlOutcome]

    public var here: Int { videos.count { $0.isHere } }
    public func count(_ failure: CrawlFailure) -> Int { videos.count { $0.status == .failed(failure) } }
    /// Failures that another run may mend.
    public var passing: Int { CrawlFailure.allCases.filter(\.passes).reduce(0) { $0 + count($1) } }
}

extension CrawlOutcome {
    var isHere: Bool { status == .done || status == .present }
}

/// Fetches videos through yt-dlp; each whole under its name, or not there. Run again it continues: what is here or is gone
/// for good is not asked for again.
///
/// - Throws: `Fault` for what keeps everything from going on: no yt-dlp, a full disk, a stop that was asked for.
public func crawl(_ options: CrawlOptions) throws(Fault) -> CrawlReport {
    try makeDirectories(options.out)
    let lock = try LockFile(options.out + "/.crawl.lock", holder: "another crawl into this folder")
    return try withExtendedLifetime(lock) { () throws(Fault) in try Crawl(options).run() }
}

private final class Crawl: Sendable {
    private struct State {
        var outcomes: [String: CrawlOutcome]
        var settled = 0
        var failed = 0
        var fault: Fault?
    }

    private let options: CrawlOptions
    private let journal: CrawlJournal
    private let state: Mutex<State>
    /// Whole videos by identity, with the names they have.
    private let files: [String: String]
    private var workshop: String { options.out + "/.crawl" }

    init(_ options: CrawlOptions) throws(Fault) {
        self.options = options
        journal = CrawlJournal(options.out + "/crawl.tsv")
        state = Mutex(State(outcomes: try journal.read()))
        var files: [String: String] = [:]
        for name in try directoryNames(options.out) {
            guard let dot = name.lastIndex(of: "."), isVideoSuffix(name[name.index(after: dot)...]) else { continue }
            files[String(name[..<dot])] = name
        }
        self.files = files
    }

    func run() throws(Fault) -> CrawlReport {
        try removeTree(workshop)
        try makeDirectories(workshop)
        defer { try? removeTree(workshop) }
        let videos = options.plan.videos
        // Puts in order what a process left that was ended in the middle of a line.
        try journal.write(inOrder())
        _ = mapOnThreads(name: "crawl", count: videos.count, threads: options.jobs) { i in
            guard !self.options.cancellation.isCancelled else { return }
            do throws(Fault) { try self.settle(videos[i]) } catch {
                // After a stop the others say only that they were stopped.
                guard !self.options.cancellation.isCancelled else { return }
                self.state.withLock { if $0.fault == nil { $0.fault = error } }
                self.options.cancellation.cancel()
            }
        }
        try journal.write(inOrder())
        if let fault = state.withLock({ $0.fault }) { throw fault }
        guard !options.cancellation.isCancelled else {
            throw Fault(.stoppedEarly, options.out, "the crawl was stopped", mend: "the same command continues")
        }
        let outcomes = state.withLock { $0.outcomes }
        return CrawlReport(videos: videos.compactMap { outcomes[$0.id] })
    }

    /// Those of the plan in its order, then what other plans left.
    private func inOrder() -> [CrawlOutcome] {
        var outcomes = state.withLock { $0.outcomes }
        let planned = options.plan.videos.compactMap { outcomes.removeValue(forKey: $0.id) }
        return planned + outcomes.values.sorted { $0.id < $1.id }
    }

    private func settle(_ video: CrawlPlan.Video) throws(Fault) {
        let outcome = if let known = standing(video) { known } else { try fetch(video) }
        let result = state.withLock { state -> Result<Void, Fault> in
            let isNews = state.outcomes.updateValue(outcome, forKey: outcome.id) != outcome
            state.settled += 1
            if !outcome.isHere { state.failed += 1 }
            options.progress(state.settled, options.plan.videos.count, state.failed)
            return Result { () throws(Fault) in if isNews { try journal.append(outcome) } }
        }
        try result.get()
    }

    /// What is known of a video already; `nil` when it has to be asked for.
    private func standing(_ video: CrawlPlan.Video) -> CrawlOutcome? {
        let known = state.withLock { $0.outcomes[video.id] }
        if let file = files[video.id], let bytes = try? fileSize(options.out + "/" + file), bytes > 0 {
            if let known, known.isHere, known.file == file, known.bytes == bytes { return known }
            var outcome = CrawlOutcome(id: video.id, status: .present)
            (outcome.file, outcome.bytes) = (file, bytes)
            return outcome
        }
        guard let known, case .failed(let failure) = known.status else { return nil }
        return failure.passes || options.again.contains(failure) ? nil : known
    }

    private func fetch(_ video: CrawlPlan.Video) throws(Fault) -> CrawlOutcome {
        var history = RetryPolicy.History()
        while true {
            var outcome = try attempt(video)
            outcome.attempts = history.failures + 1
            guard case .failed(let failure) = outcome.status, failure.passes else { return outcome }
            switch history.failed(
                outcome.message, retryAfter: failure == .limited ? options.limitedWait : nil, progressed: false,
                policy: options.policy, random: options.random())
            {
            case .giveUp: return outcome
            case .wait(let seconds):
                options.note("\(video.id): \(outcome.message); trying again in \(Int(seconds)) s")
                guard options.cancellation.wait(seconds) else {
                    throw Fault(.stoppedEarly, video.id, "was stopped")
                }
            }
        }
    }

    /// One run of yt-dlp, in a folder of the video's own.
    private func attempt(_ video: CrawlPlan.Video) throws(Fault) -> CrawlOutcome {
        let folder = workshop + "/" + video.id
        try removeTree(folder)
        try makeDirectories(folder)
        defer { try? removeTree(folder) }
        let arguments = CrawlArguments.vector(
            program: options.program, id: video.id, folder: folder, height: options.height, extra: options.extra)
        let result: ChildProcess.Result
        do throws(Fault) {
            result = try ChildProcess.run(arguments, seconds: options.patience, cancellation: options.cancellation)
        } catch {
            guard error.code == .usage else { throw error }
            throw Fault(
                .usage, options.program, error.reason,
                mend: "install a current yt-dlp (pip install yt-dlp; Debian's is too old), or name it with --yt-dlp")
        }
        var outcome = CrawlOutcome(id: video.id, status: .failed(.other))
        outcome.seconds = CrawlArguments.duration(in: result.output)
        if result.isOverdue {
            (outcome.status, outcome.message) = (.failed(.network), "took more than \(Int(options.patience)) s")
        } else if result.errors.contains("No space left on device") {
            throw Fault(
                .stoppedEarly, options.out, "has no space left", mend: "free some and run the same command again")
        } else if result.code != 0 {
            outcome.status = .failed(CrawlFailure(result.errors))
            outcome.message = CrawlFailure.message(result.errors)
            if outcome.message.isEmpty {
                outcome.message =
                    result.code.map { "ended with code \($0) and said nothing" } ?? "was killed by a signal"
            }
        } else {
            try take(folder, video, &outcome)
        }
        return outcome
    }

    /// Takes the one video that lies in the folder.
    private func take(_ folder: String, _ video: CrawlPlan.Video, _ outcome: inout CrawlOutcome) throws(Fault) {
        let names = try directoryNames(folder).filter { name in
            name.hasPrefix("video.") && isVideoSuffix(name.dropFirst(6))
        }
        guard names.count == 1, let name = names.first else {
            outcome.message = "yt-dlp ended well and left \(names.count) videos"
            return
        }
        let path = folder + "/" + name
        let bytes = try fileSize(path)
        let beginning = try readBeginning(path, count: min(bytes, 512))
        if let objection = ExpectedContent.text.objection(to: beginning) {
            (outcome.status, outcome.message) = (.failed(.network), "what came is no video: \(objection)")
            return
        }
        // YouTube rounds to whole seconds.
        if let end = video.shortestEnd, let seconds = outcome.seconds, seconds + 1 < Double(end) {
            (outcome.status, outcome.message) = (.failed(.short), "lasts \(seconds) s, its clip ends at \(end) s")
            return
        }
        try Descriptor(path, O_RDONLY).synchronize()
        let file = video.id + name.dropFirst(5)
        guard rename(path, options.out + "/" + file) == 0 else {
            throw systemFault(options.out + "/" + file, "give it its name", errno)
        }
        try synchronizeDirectory(options.out)
        (outcome.status, outcome.file, outcome.bytes) = (.done, file, bytes)
    }
}

private func isVideoSuffix(_ suffix: some StringProtocol) -> Bool {
    EntryRules.videoSuffixes.contains(suffix.lowercased())
}
