import ArgumentParser
import Clips
import Configuration
import Evaluation
import Faults
import Foundation
import Kernels
import Protocol
import Reporting
import Storage
import Training
import Worker

/// `zoetrope test-worker`.
struct WorkOnTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test-worker", abstract: "Join a test that 'zoetrope test --listen' runs, and test videos for it.",
        discussion: """
            Joins at any time. The data set and the checkpoint are taken from this machine where they are the same to the bit: \
            where the test has them, or where --data and --checkpoint say. Else they are pulled from the test.
            """)
    @Option(help: "The test's address: tcp://HOST:PORT.")
    var join: String
    @Option(
        help: """
            The data set's folder on this machine. Without it, where the test has it, if this machine sees the same there; \
            else videos are pulled from the test.
            """)
    var data: String?
    @Option(help: "The checkpoint's file on this machine; without it, where the test has it, or pulled from there.")
    var checkpoint: String?
    @OptionGroup var pulled: ClipCacheOptions
    @Option(help: "Compute threads; 0 takes one for each core.")
    var threads = 0
    @Option(help: "What the worker is called; without it, its host and process.")
    var name: String?
    @OptionGroup var protection: SecurityOptions
    @Option(help: .hidden)
    var parent: Int32?

    func validate() throws {
        try checkThreads(threads)
    }

    func run() throws {
        detachStandardError()
        let name = name ?? "\(ProcessInfo.processInfo.hostName)-\(getpid())"
        if let parent { endWith(parent: parent, name: name) }
        let security = try protection.security(as: .worker)
        let note: @Sendable (String) -> Void = { standardError("zoetrope: \(name): \($0)\n") }
        let supply = ClipSupply(
            fetcher: ContentFetcher(coordinator: join, security: security, note: note),
            cache: try pulled.clipCache(try clusterConfiguration(nil)), note: note)
        defer { supply.close() }
        let worker = try TestWorker(join: join, name: name, security: security)
        var tester: VideoTester?
        try worker.run { assignment in
            let test = try prepare(assignment, supply)
            let count = computeThreads(threads)
            tester = test.tester(viewsAtOnce: assignment.viewsAtOnce, pool: ThreadPool(threads: count))
        } test: { rank, between in
            guard let tester else { throw Fault(.internal, name, "has not been told what to test") }
            return try tester.test(rank: rank, between: between)
        }
    }

    /// The same data, weights and recipe as the coordinator's, or none.
    private func prepare(_ assignment: TestAssignment, _ supply: ClipSupply) throws(Fault) -> PreparedTest {
        let document = try Document(toml: assignment.recipe, name: "the test's recipe")
        let set = try supply.open(
            assignment.data, data: try data.map { path throws(Fault) in try absolute(path) })
        guard "\(set.digest)" == assignment.dataDigest else {
            throw Fault(
                .data, "\(set.directory)/\(assignment.data.split)", "is not the data set that is tested",
                mend: "copy it again, or leave out --data: then videos are pulled")
        }
        let held = try heldCheckpoint(assignment.checkpoint, supply)
        defer { withExtendedLifetime(held) {} }
        return try PreparedTest(
            try Recipe.read(document), set: set, checkpoint: held?.path ?? checkpoint ?? assignment.checkpoint.name,
            allowsUnexpected: assignment.allowsUnexpected)
    }

    /// The checkpoint as it was pulled; nil where this machine has it.
    private func heldCheckpoint(_ file: CachedFile, _ supply: ClipSupply) throws(Fault) -> HeldFile? {
        if let checkpoint {
            guard try fileDigest(checkpoint) == file.digest else {
                throw Fault(
                    .data, checkpoint, "is not the checkpoint that is tested",
                    mend: "copy it again, or leave out --checkpoint: then it is pulled")
            }
            return nil
        }
        if let size = try? fileSize(file.name), size == file.byteCount, try fileDigest(file.name) == file.digest {
            return nil
        }
        return try supply.hold(file)
    }
}
