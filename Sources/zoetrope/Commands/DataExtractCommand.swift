import Acquisition
import ArgumentParser
import Faults
import Foundation
import Reporting

/// `zoetrope data extract`: videos out of downloaded archives.
struct DataExtract: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Take the videos out of downloaded archives and put replacements in place.",
        discussion: """
            Videos go to OUT/videos/SPLIT/. Archives that were extracted before are skipped; OUT/extract.tsv says what \
            became of each. Exit code 65: an archive is damaged or refused; the others are extracted.
            """)
    @Option(help: "The data set's folder.")
    var out: String
    @Option(help: "Where the archives are, in a folder for each split; OUT/archives when not given.")
    var archives: String?
    @Option(help: "Which splits, with commas between them; all there are when not given.")
    var splits: String?
    @Option(help: "Archives under way at once, 1 to 64; as many as processors when not given.")
    var jobs: Int?
    @Flag(help: "Remove each archive when its videos are on the disk; a later download does not fetch it again.")
    var removeArchives = false
    @OptionGroup var result: ResultOptions

    func run() throws {
        var options = ExtractOptions(out: out)
        if let archives { options.archives = archives }
        if let splits { options.splits = names(splits) }
        options.jobs = jobs ?? computeThreads(0)
        try within(options.jobs, 1...64, "--jobs")
        options.removeArchives = removeArchives
        let bar = MovingBar("extract")
        options.progress = { bar.update(done: $0, total: $1, detail: "MB of archives  \($2) videos", isLast: $0 == $1) }
        let cancellation = options.cancellation
        onSignals([SIGINT, SIGTERM]) { cancellation.cancel() }
        let report = try extract(options)
        for archive in report.archives where !archive.reason.isEmpty {
            standardError("zoetrope: \(archive.split)/\(archive.name): \(archive.reason)\n")
        }
        let refused = report.count(.refused)
        result.report(
            [
                "extracted": .integer(report.count(.extracted)), "skipped": .integer(report.count(.skipped)),
                "refused": .integer(refused), "videos": .integer(report.videos), "replaced": .integer(report.replaced),
                "unused_replacements": .integer(report.unusedReplacements), "report": .string(out + "/extract.tsv"),
            ],
            text: "\(out)/videos: \(report.videos) videos of \(report.archives.count - refused) archives, "
                + "\(report.count(.skipped)) of them extracted before, \(report.replaced) videos replaced"
                + (refused > 0 ? ", \(refused) archives refused" : ""))
        if refused > 0 {
            throw Fault(
                .data, out + "/extract.tsv", "\(refused) archives give no videos",
                mend: "remove them and download them again")
        }
    }
}
