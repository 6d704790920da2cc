import Acquisition
import ArgumentParser
import Curation
import Faults
import Foundation
import Reporting

/// `zoetrope data crawl`: whole videos from YouTube, through the user's own yt-dlp.
struct DataCrawl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crawl", abstract: "Fetch the videos that annotations name from YouTube, through your own yt-dlp.",
        discussion: """
            Videos go to OUT/ID.mp4 (or .webm, .mkv), whole; zoetrope data trim cuts the clips out. OUT/crawl.tsv says what \
            became of each: private, removed, blocked, age, live, short, limited, network, other. Run again it continues \
            from there: what is gone for good is not asked for again, unless --again says so. Exit code 75: some may yet \
            come, run again.
            """)
    @Option(help: "A file of annotations with YouTube's identities; may be repeated.")
    var annotations: [String]
    @Option(help: "Where the videos go.")
    var out: String
    @Option(name: .customLong("yt-dlp"), help: "The program; looked up in PATH.")
    var program = "yt-dlp"
    @Option(help: "Rows of the picture at most.")
    var height = 480
    @Option(help: "Videos under way at once, 1 to 32. More than a few, and YouTube limits you.")
    var jobs = 2
    @Option(help: "Attempts at a video in a row.")
    var attempts = 4
    @Option(help: "Failures that are asked for again, with commas: removed,blocked,age ...")
    var again: String?
    @Option(parsing: .unconditionalSingleValue, help: "A word for yt-dlp, such as --cookies; may be repeated.")
    var pass: [String] = []
    @OptionGroup var result: ResultOptions

    func run() throws {
        try within(jobs, 1...32, "--jobs")
        try within(attempts, 1...100, "--attempts")
        try within(height, 16...4320, "--height")
        var options = CrawlOptions(plan: try plan(), out: out)
        (options.program, options.extra, options.height, options.jobs) = (program, pass, height, jobs)
        options.policy.attempts = attempts
        for word in names(again ?? "") {
            guard let failure = CrawlFailure(rawValue: word) else {
                throw Fault(
                    .usage, "--again \(word)", "is no class of failures",
                    mend: advice(for: word, among: CrawlFailure.allCases.map(\.rawValue)))
            }
            options.again.insert(failure)
        }
        options.note = { standardError("zoetrope: \($0)\n") }
        let bar = CountingBar("crawl")
        options.progress = { done, total, failed in bar.update(done, of: total, "videos  \(failed) not to be had") }
        let cancellation = options.cancellation
        onSignals([SIGINT, SIGTERM]) { cancellation.cancel() }
        try report(crawl(options))
    }

    private func plan() throws -> CrawlPlan {
        var rows: [CrawlRow] = []
        for path in annotations {
            let file = try AnnotationFile(path: path)
            if let problem = file.problems.first { throw Fault(.data, "\(problem.place)", problem.reason) }
            for row in file.rows {
                guard case .clip(let id, _, let end) = row.video else {
                    throw Fault(.data, "\(row.place)", "names a file and no video on YouTube")
                }
                rows.append(CrawlRow(id: id, end: end, place: "\(row.place)"))
            }
        }
        return try CrawlPlan(rows)
    }

    private func report(_ report: CrawlReport) throws {
        let counts = CrawlFailure.allCases.map { ($0, report.count($0)) }
        let total = report.videos.count
        let words = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0.rawValue)" }.joined(separator: ", ")
        result.report(
            .object(
                [
                    ("videos", .integer(total)), ("here", .integer(report.here)),
                    ("report", .string(out + "/crawl.tsv")),
                ] + counts.map { ($0.0.rawValue, .integer($0.1)) }),
            text: "\(out): \(report.here) of \(total) videos" + (words.isEmpty ? "" : "; \(words)"))
        if report.passing > 0 {
            throw Fault(
                .stoppedEarly, out + "/crawl.tsv", "\(report.passing) videos may yet come",
                mend: "the same command tries them again")
        }
    }
}
