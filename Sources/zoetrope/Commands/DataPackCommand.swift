import Acquisition
import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Glibc
import Protocol
import Reporting
import Storage
import Synchronization
import Video

extension DataCommand {
    /// `zoetrope data pack`: a list of videos becomes one split of a data set.
    struct Pack: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pack a list of videos into one split of a data set.",
            discussion: """
                The list holds `path label` a line, or VMZ's CSV with the header org_video,label,start_frm,video_id. \
                Videos that cannot be opened are left out and named; videos with damage inside are packed and named, and \
                training replaces by rule what does not decode. The profiles vmz and fast write every video anew on the way, \
                as data trim does. Videos are decoded in child processes with limits: one that crashes or hangs the decoder \
                costs itself. A packing that was ended goes on: it decodes no video and writes no shard again. With --listen \
                workers on other machines share the videos; the set is the same, byte for byte, whoever comes and goes.
                """)
        @Option(help: "The list; paths in it are relative to its folder.")
        var list: String
        @Option(help: "train, val or test.")
        var split: String
        @Option(help: "The data set's folder; other splits in it stay as they are.")
        var out: String
        @Option(help: "classids.json or a file of names; classes.txt beside the list unless given.")
        var classes: String?
        @Option(help: "keep packs the videos as they are; vmz and fast write them anew.")
        var profile = "keep"
        @Option(help: "Of vmz and fast: the smaller side in pixels, at most with fast; even. (default: 320)")
        var shortSide: Int?
        @Option(help: "Seconds that one video may take.")
        var timeout = 600.0
        @Option(
            help: """
                Videos at once, 1 to 256; as many as processors when not given. With --listen also 0: workers do them all, but \
                what they cannot.
                """)
        var jobs: Int?
        @Option(help: "Where workers of other machines may join ('zoetrope data pack-worker'): tcp://HOST:PORT.")
        var listen: String?
        @OptionGroup var protection: SecurityOptions
        @Option(help: "How much goes into a shard: bytes, or 64MB. A worker that pulls clips pulls whole shards.")
        var shardSize = "1GiB"
        @OptionGroup var result: ResultOptions

        func validate() throws {
            if listen == nil, protection.keys != nil || protection.insecure {
                throw ValidationError("--keys and --insecure are about who may join: add --listen")
            }
        }

        func run() throws {
            if listen != nil { detachStandardError() }
            var options = PackOptions()
            options.shardBytes = max(1, try ByteCount(shardSize, about: "--shard-size").bytes)
            let hands = jobs ?? computeThreads(0)
            try within(hands, (listen == nil ? 1 : 0)...256, "--jobs")
            options.threads = max(1, hands)
            options.progress = progress("pack")
            try within(seconds: timeout, "--timeout")
            let stop = Cancellation()
            var assignment = PackAssignment(
                profile: profile, shortSide: 0, description: "", seconds: timeout, trial: "")
            if profile == "keep" {
                try examine(&options)
            } else {
                try transcode(&options, &assignment, stop)
            }
            if listen != nil || profile != "keep" { onSignals([SIGINT, SIGTERM]) { stop.cancel() } }
            let beside = URL(fileURLWithPath: list).deletingLastPathComponent().path + "/" + ClassList.fileName
            if let path = classes ?? (pathExists(beside) ? beside : nil) {
                options.classes = try ClassList(path: path).names
            }
            let helpers = HelperNotes()
            if let listen {
                var terms = PackCoordinator.Terms(
                    assignment: assignment, libraries: VideoLibraries.versions, hands: hands)
                terms.isStopped = { stop.isCancelled }
                let coordinator = Confined(
                    try PackCoordinator(
                        terms, listen: listen, security: try protection.security(as: .coordinator)))
                standardError("zoetrope: workers may join at \(coordinator.value.endpoint)\n")
                options.sharing = { work throws(Fault) in try coordinator.value.run(work) { helpers.tell($0) } }
            }
            let report = try pack(ClipList(path: list), split: split, into: out, options: options)
            attachStandardError()
            describe(report, helpers)
        }

        /// Lets children decode the videos, which are packed as they are.
        private func examine(_ options: inout PackOptions) throws(Fault) {
            if let shortSide {
                throw Fault(
                    .usage, "--short-side \(shortSide)", "has no meaning for videos that are packed as they are",
                    mend: "add --profile fast or vmz, or leave it out")
            }
            let pool = try packingExaminers(seconds: timeout)
            options.examine = { path throws(Fault) in try pool.ask(path) }
        }

        /// Lets children write the videos in the profile that was asked for.
        private func transcode(
            _ options: inout PackOptions, _ assignment: inout PackAssignment, _ stop: Cancellation
        ) throws {
            let profile = try trimProfile(profile, shortSide ?? TrimProfile.fast.shortSide, also: "keep")
            let writer = try ProfileWriter(profile, seconds: timeout, cancellation: stop)
            options.profile = profile.description
            options.transcoding = Transcoding(name: profile.description) { source, target throws(Fault) in
                try writer.write(source, to: target)
            }
            guard listen != nil else { return }
            (assignment.shortSide, assignment.description) = (profile.shortSide, profile.description)
            try makeDirectories(out)
            let folder = try ScratchFolder(in: try absolute(out))
            defer { withExtendedLifetime(folder) {} }
            assignment.trial = try writer.trial(in: folder.path)
        }

        private func describe(_ report: PackReport, _ helpers: HelperNotes) {
            for problem in report.refused {
                standardError("zoetrope: \(problem.name) (line \(problem.line)): left out: \(problem.reason)\n")
            }
            for problem in report.damaged {
                standardError("zoetrope: \(problem.name) (line \(problem.line)): damaged: \(problem.reason)\n")
            }
            let problems = { (list: [PackReport.Problem]) in
                JSON.array(
                    list.map { ["name": .string($0.name), "line": .integer($0.line), "reason": .string($0.reason)] })
            }
            let helped = helpers.counts
            for (name, count) in helped { standardError("zoetrope: worker \(name): \(count) videos\n") }
            result.report(
                [
                    "clips": .integer(report.clips), "classes": .integer(report.classes.count),
                    "frames": .integer(report.frames), "bytes": .integer(report.bytes),
                    "sha256": .string("\(report.digest)"), "resumed": .integer(report.resumed),
                    "shards": .integer(report.shards), "shards_kept": .integer(report.shardsKept),
                    "helped": .object(helped.map { ($0.name, .integer($0.count)) }),
                    "refused": problems(report.refused), "damaged": problems(report.damaged),
                ],
                text: "\(out)/\(split): \(report.clips) clips of \(report.classes.count) classes, "
                    + "\(report.refused.count) left out, \(report.damaged.count) damaged")
        }
    }
}

/// What a packing says of those who help it.
private final class HelperNotes: Sendable {
    private let videos = Mutex<[String: Int]>([:])

    /// Videos by worker, most first.
    var counts: [(name: String, count: Int)] {
        videos.withLock { $0.map { ($0.key, $0.value) } }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    func tell(_ note: PackCoordinator.Note) {
        switch note {
        case .helped(_, let name): videos.withLock { $0[name, default: 0] += 1 }
        case .joined(let name, let capacity): say("worker \(name) joined, for \(capacity) videos at a time")
        case .left(let name, let count): say("worker \(name) is gone; \(count) videos are done again elsewhere")
        case .failed(let name, let reason): say("worker \(name) cannot go on: \(reason)")
        case .overcame(let video, let name, let reason):
            say("worker \(name) could not do \(video) (\(reason)); it was done here")
        case .different(let video, let name):
            say("ALARM: \(name) found something else about \(video) than was found before")
        case .refused(let fault): say("\(fault)")
        }
    }

    private func say(_ text: String) { standardError("zoetrope: \(text)\n") }
}
