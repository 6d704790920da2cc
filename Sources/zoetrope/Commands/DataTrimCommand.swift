import Acquisition
import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Glibc
import Reporting
import Storage

/// `zoetrope data trim`: clips of one size and rate out of whole videos.
struct DataTrim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim",
        abstract: "Cut the clips that annotations name out of videos, and write them in one profile.",
        discussion: """
            Profiles: vmz (30 frames per second, short side 320) and fast (the same, but nothing is enlarged, and there is a \
            key frame every 16 frames and between them few that others need). Clips go to OUT/ID_START_END.mp4, upright, \
            without sound, the same bytes on every machine. A video that is called ID_START_END already is taken whole. Each \
            clip is written by a child process with limits. OUT/trim.tsv says what became of each; clips that are there are \
            left alone. Exit code 65: some cannot be had.
            """)
    @Option(help: "A file of annotations with identities and seconds; may be repeated.")
    var list: [String]
    @Option(help: "The folder that holds the videos, in any depth.")
    var videos: String
    @Option(help: "Where the clips go.")
    var out: String
    @Option(help: "vmz or fast.")
    var profile = "fast"
    @Option(help: "The smaller side in pixels, at most with fast; even.")
    var shortSide = 320
    @Option(help: "Which part of the clips, such as 2/8 for the second of eight machines.")
    var part: String?
    @Option(help: "Clips at once, 1 to 256; as many as processors when not given.")
    var jobs: Int?
    @Option(help: "Seconds that one clip may take, 0.1 to 86400.")
    var timeout = 600.0
    @OptionGroup var result: ResultOptions

    func run() throws {
        let profile = try trimProfile(profile, shortSide)
        let threads = jobs ?? computeThreads(0)
        try within(threads, 1...256, "--jobs")
        try within(seconds: timeout, "--timeout")
        let part = try part.map { text throws(Fault) in try Part(text) }
        let (wanted, missing) = try plan(part)
        try makeDirectories(out)
        try claim(out, for: profile)
        var options = TrimOptions(jobs: wanted, child: TrimChild(command: try trimCommand(profile)))
        (options.threads, options.child.patience) = (threads, timeout)
        let bar = CountingBar("trim")
        options.progress = { done, total in bar.update(done, of: total, "clips") }
        let cancellation = options.child.cancellation
        onSignals([SIGINT, SIGTERM]) { cancellation.cancel() }
        let outcomes = try trim(options) + missing
        let report = out + "/" + (part.map { "trim-\($0.number)-of-\($0.count).tsv" } ?? "trim.tsv")
        try writeWhole(TrimOutcome.table(outcomes), to: report)
        let failed = outcomes.filter { $0.status == .failed }
        for outcome in failed.prefix(10) { standardError("zoetrope: \(outcome.target): \(outcome.reason)\n") }
        let written = outcomes.count { $0.status == .written }
        result.report(
            [
                "written": .integer(written), "present": .integer(outcomes.count - written - failed.count),
                "failed": .integer(failed.count), "report": .string(report),
            ],
            text: "\(out): \(outcomes.count - failed.count) of \(outcomes.count) clips, \(written) written now")
        if !failed.isEmpty {
            throw Fault(.data, report, "names \(failed.count) clips that cannot be had")
        }
    }

    /// Clips that are there are left alone, so that they have to be of the same profile: `OUT/profile.txt` says which.
    private func claim(_ out: String, for profile: TrimProfile) throws(Fault) {
        let note = out + "/profile.txt"
        let words = "\(profile.description)\n"
        guard pathExists(note) else {
            if let clip = try directoryNames(out).first(where: { $0.hasSuffix(".mp4") }) {
                throw Fault(
                    .usage, out, "holds \(clip), and no profile.txt that says how it was written",
                    mend: "choose a new folder with --out")
            }
            return try writeWhole(words, to: note)
        }
        let there = String(decoding: try readWhole(note, limit: 4096), as: UTF8.self)
        guard there == words else {
            throw Fault(
                .usage, out, "holds clips of another profile: \(there.trimmed()) there, and \(profile.description) now",
                mend: "choose a new folder with --out")
        }
    }

    /// The clips whose videos are here, and those whose are not.
    private func plan(_ part: Part?) throws -> ([TrimJob], missing: [TrimOutcome]) {
        let index = try VideoIndex(scanning: videos)
        for folder in index.skipped { standardError("zoetrope: \(folder)\n") }
        var (jobs, missing): ([TrimJob], [TrimOutcome]) = ([], [])
        var seen = Set<String>()
        for path in list {
            let file = try AnnotationFile(path: path)
            if let problem = file.problems.first { throw Fault(.data, "\(problem.place)", problem.reason) }
            for row in file.rows {
                guard case .clip(let id, let start?, let end?) = row.video, end > start else {
                    throw Fault(.data, "\(row.place)", "names no clip by identity and ascending seconds")
                }
                let name = "\(id)_\(sixDigits(start))_\(sixDigits(end))"
                guard seen.insert(name).inserted else { continue }
                // By its place among the clips, so that all machines agree whatever they have of them.
                if let part, !part.holds(seen.count - 1) { continue }
                let target = out + "/" + name + ".mp4"
                guard case .found(let found, _) = index.find(row) else {
                    missing.append(
                        TrimOutcome(target: target, source: id, status: .failed, reason: "its video is not here"))
                    continue
                }
                // A file that has the seconds in its name holds nothing else.
                let stem = found.path.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
                let isCut = stem != id
                jobs.append(
                    TrimJob(
                        source: index.root + "/" + found.path, target: target, start: isCut ? 0 : start,
                        seconds: isCut ? nil : end - start))
            }
        }
        return (jobs, missing)
    }

    private func sixDigits(_ seconds: Int) -> String {
        let digits = String(seconds)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}

/// `zoetrope data trim-one`: the child of `data trim`.
struct DataTrimOne: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim-one", abstract: "Write one clip.", shouldDisplay: false)
    @Option var profile: String
    @Option var shortSide: Int
    @Option var start: Int
    @Option var seconds: Int?
    @Option var parent: Int32
    @Argument var source: String
    @Argument var target: String

    func run() throws {
        endWithParent()
        // A video that makes the decoder ask for more is one that the user should hear of.
        var memory = rlimit(rlim_cur: 8 << 30, rlim_max: 8 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &memory)
        var core = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
        _ = try trimVideo(
            source, to: target, start: Double(start), seconds: seconds.map(Double.init),
            profile: trimProfile(profile, shortSide))
    }
}

extension DataTrimOne {
    /// A child must not outlive the command that started it, however that ends.
    private func endWithParent() {
        // Nobody could wait for it: it lives as long as the process.
        Thread.detachNewThread { [parent] in
            while getppid() == parent { usleep(100_000) }
            _exit(75)
        }
    }
}

/// What starts the child that writes one clip.
func trimCommand(_ profile: TrimProfile) throws(Fault) -> [String] {
    [
        try ownProgram(), "data", "trim-one", "--parent", "\(getpid())", "--profile", profile.name, "--short-side",
        "\(profile.shortSide)",
    ]
}

/// - Parameter also: a profile that the command knows beside those.
func trimProfile(_ name: String, _ shortSide: Int, also: String? = nil) throws(Fault) -> TrimProfile {
    guard var profile = TrimProfile.all.first(where: { $0.name == name }) else {
        throw Fault(
            .usage, "--profile \(name)", "is no profile",
            mend: advice(for: name, among: TrimProfile.all.map(\.name) + (also.map { [$0] } ?? [])))
    }
    try within(shortSide, 16...2160, "--short-side")
    guard shortSide % 2 == 0 else {
        throw Fault(.usage, "--short-side", "\(shortSide) is odd", mend: "choose an even size")
    }
    profile.shortSide = shortSide
    return profile
}

/// One of several parts of a job, each done on another machine.
struct Part {
    /// From 1.
    let number: Int
    let count: Int

    /// - Parameter text: such as `2/8`.
    init(_ text: String) throws(Fault) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard words.count == 2, let number = words[0], let count = words[1], count >= 1, (1...count).contains(number)
        else { throw Fault(.usage, "--part \(text)", "is not a part", mend: "write for example 2/8") }
        (self.number, self.count) = (number, count)
    }

    /// Whether the thing at this place, from 0, belongs to the part.
    func holds(_ place: Int) -> Bool { place % count == number - 1 }
}
