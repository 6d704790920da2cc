import Acquisition
import ArgumentParser
import Clips
import Curation
import Dispatch
import Faults
import Foundation
import Glibc
import Protocol
import Reporting
import Storage
import Synchronization
import Video
import Worker

/// `zoetrope data pack-worker`: another machine helps a packing.
struct DataPackWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack-worker",
        abstract: "Join a packing that 'zoetrope data pack --listen' runs, and do videos for it.",
        discussion: """
            Joins at any time, and may leave at any time: the set is the same, byte for byte. Videos come over the network and \
            go back; nothing has to be shared, and nothing stays here. FFmpeg and x264 have to be the same as where the \
            packing runs: a machine that writes other bytes is refused. Ends with 0 when the packing is done, with 75 when it \
            was stopped or is out of reach for 30 s.
            """)
    @Option(help: "The packing's address: tcp://HOST:PORT.")
    var join: String
    @Option(help: "Videos at once, 1 to 256; as many as processors when not given.")
    var jobs: Int?
    @Option(help: "What the worker is called; without it, its host and process.")
    var name: String?
    @Option(help: "A folder for the videos that are under way; without it, the system's for temporary files.")
    var scratch: String?
    @OptionGroup var protection: SecurityOptions

    func run() throws {
        detachStandardError()
        let name = name ?? "\(hostName())-\(getpid())"
        let jobs = jobs ?? computeThreads(0)
        try within(jobs, 1...256, "--jobs")
        let security = try protection.security(as: .worker)
        let folder = try ScratchFolder(in: try scratch ?? absolute(NSTemporaryDirectory()))
        defer { withExtendedLifetime(folder) {} }
        let stop = Cancellation()
        onSignals([SIGINT, SIGTERM]) { stop.cancel() }
        let fetcher = ContentFetcher(coordinator: join, security: security) {
            standardError("zoetrope: \(name): \($0)\n")
        }
        defer { fetcher.close() }
        let worker = try PackWorker(
            join: join,
            // One more of each comes over the network meanwhile.
            as: PackHelper(name: name, libraries: VideoLibraries.versions, capacity: 2 * jobs), scratch: folder.path,
            security: security, isStopped: { stop.isCancelled })
        let benches = Benches(count: jobs, fetcher)
        try worker.run { assignment in
            standardError("zoetrope: \(name): \(jobs) videos at once, profile \(assignment.profile)\n")
            return try tools(assignment, benches, folder.path)
        }
        standardError("zoetrope: \(name): the packing is done\n")
    }

    private func tools(_ assignment: PackAssignment, _ benches: Benches, _ folder: String) throws -> PackTools {
        if assignment.profile == "keep" {
            let pool = try packingExaminers(seconds: assignment.seconds)
            return PackTools(trial: "") { task in
                benches.find(task) { source, _ throws(Fault) in try pool.ask(source) }
            } cancel: {
                benches.close()
            }
        }
        let profile = try trimProfile(assignment.profile, assignment.shortSide)
        guard profile.description == assignment.description else {
            throw Fault(
                .usage, "--profile \(assignment.profile)",
                "is '\(profile.description)' here and '\(assignment.description)' where the packing runs",
                mend: "install the same release on both")
        }
        let cancellation = Cancellation()
        let writer = try ProfileWriter(profile, seconds: assignment.seconds, cancellation: cancellation)
        return PackTools(trial: try writer.trial(in: folder)) { task in
            benches.find(task) { source, target throws(Fault) in
                try writer.write(source, to: target)
                return examineForPacking(target)
            }
        } cancel: {
            cancellation.cancel()
            benches.close()
        }
    }
}

/// Where a helper's videos are worked on: so many at a time, while others come over the network.
private final class Benches: Sendable {
    private let free: DispatchSemaphore
    private let fetcher: ContentFetcher
    private let isClosed = Atomic(false)

    init(count: Int, _ fetcher: ContentFetcher) {
        free = DispatchSemaphore(value: count)
        self.fetcher = fetcher
    }

    /// Nothing is begun any more.
    func close() { isClosed.store(true, ordering: .releasing) }

    /// Pulls the video, and gives it to `body` when a bench is free.
    func find(_ task: PackTask, _ body: (String, String) throws(Fault) -> String) -> Result<String, Fault> {
        let path = task.target + ".source"
        defer { unlink(path) }
        do throws(Fault) {
            try fetcher.fetch(try PartialFile(task.source, creating: path))
            free.wait()
            defer { free.signal() }
            if isClosed.load(ordering: .acquiring) { throw Fault(.stoppedEarly, task.source.name, "was stopped") }
            return .success(try body(path, task.target))
        } catch { return .failure(error) }
    }
}
