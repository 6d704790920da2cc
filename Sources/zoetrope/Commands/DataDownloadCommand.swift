import Acquisition
import ArgumentParser
import Faults
import Foundation
import Reporting

/// `zoetrope data download`: published archives, lists and annotations.
struct DataDownload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Download Kinetics as the CVDF publishes it: lists, annotations, archives, replacements.",
        discussion: """
            Sets: \(PublishedSet.all.map(\.name).joined(separator: ", ")). Sizes are checked against the server and \
            archives are read to their end. Run again it continues where it stopped; OUT/download.tsv says what became of \
            each file. Exit code 65: the server lacks something; 75: something did not come, run again.
            """)
    @Argument(help: "Which set.")
    var set: String
    @Option(help: "The data set's folder.")
    var out: String
    @Option(help: "Which splits, with commas between them.")
    var splits = "train,val,test"
    @Option(help: "Which archives of each split, such as 0-9,12; all when not given.")
    var parts: String?
    @Option(help: "An address that stands in for \(PublishedSet.base), in the lists' own addresses and inside them.")
    var mirror: String?
    @Option(help: "Files under way at once, 1 to 64.")
    var jobs = 4
    @Option(help: "Failed attempts at a file in a row after which it is given up for this time.")
    var attempts = RetryPolicy().attempts
    @Option(help: "Seconds in which a server has to send something.")
    var timeout = ConnectionLimits().stall
    @Flag(help: "Ask the server again about what is here, test it again, and fetch what was replaced.")
    var refresh = false
    @OptionGroup var result: ResultOptions

    func run() throws {
        var options = try DownloadOptions(set: .named(set), out: out, splits: names(splits))
        if let parts { options.parts = try PartSelection(parts) }
        if let mirror {
            var base = try WebAddress(mirror).text
            while base.hasSuffix("/") { base.removeLast() }
            options.base = base
        }
        try within(jobs, 1...64, "--jobs")
        try within(attempts, 1...1000, "--attempts")
        try within(seconds: timeout, "--timeout")
        (options.jobs, options.refresh) = (jobs, refresh)
        (options.policy.attempts, options.limits.stall) = (attempts, timeout)
        options.note = { standardError("zoetrope: \($0)\n") }
        options.progress = transferProgress("download")
        let cancellation = options.cancellation
        onSignals([SIGINT, SIGTERM]) { cancellation.cancel() }
        let report = try download(options)
        for file in report.files where file.status == .missing || file.status == .failed {
            standardError("zoetrope: \(file.name): \(file.reason)\n")
        }
        let (missing, failed) = (report.count(.missing), report.count(.failed))
        let complete = report.count(.complete) + report.count(.extracted)
        result.report(
            [
                "complete": .integer(complete), "missing": .integer(missing), "failed": .integer(failed),
                "bytes": .integer(report.bytes), "report": .string(out + "/download.tsv"),
            ],
            text: "\(out): \(complete) of \(report.files.count) files, \(megabytes(report.bytes)) MB"
                + (missing > 0 ? ", \(missing) that the server does not have" : "")
                + (failed > 0 ? ", \(failed) that did not come" : ""))
        if failed > 0 {
            throw Fault(.stoppedEarly, out, "\(failed) files did not come", mend: "the same command tries them again")
        }
        if missing > 0 {
            throw Fault(
                .data, out + "/download.tsv", "\(missing) files cannot be had", mend: "or take another --mirror")
        }
    }
}

/// Bytes that come, with the rate of the last seconds.
private func transferProgress(_ label: String) -> @Sendable (DownloadProgress) -> Void {
    let bar = MovingBar(label)
    return { progress in
        bar.update(
            done: progress.bytes, total: progress.totalBytes,
            detail: "MB  \(progress.files)/\(progress.totalFiles) files", withRate: true,
            isLast: progress.files == progress.totalFiles)
    }
}
