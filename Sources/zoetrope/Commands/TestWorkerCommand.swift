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

/// `zoetrope test-worker`.
struct WorkOnTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test-worker", abstract: "Join a test that 'zoetrope test --listen' runs, and test videos for it.",
        discussion: """
            Joins at any time. The data set and the checkpoint must be on this machine, the same to the bit: where the \
            coordinator has them, or where --data and --checkpoint say.
            """)
    @Option(help: "The test's address: tcp://HOST:PORT.")
    var join: String
    @Option(help: "The data set's folder on this machine; without it, where the coordinator has it.")
    var data: String?
    @Option(help: "The checkpoint's file on this machine; without it, where the coordinator has it.")
    var checkpoint: String?
    @Option(help: "Compute threads; 0 takes one for each core.")
    var threads = 0
    @Option(help: "What the worker is called; without it, its host and process.")
    var name: String?
    @OptionGroup var protection: SecurityOptions
    @Option(help: .hidden)
    var parent: Int32?

    func validate() throws {
        guard (0...1024).contains(threads) else { throw ValidationError("--threads \(threads): choose 0 to 1024") }
    }

    func run() throws {
        let name = name ?? "\(ProcessInfo.processInfo.hostName)-\(getpid())"
        if let parent { endWith(parent: parent, name: name) }
        let worker = try TestWorker(join: join, name: name, security: try protection.security(as: .worker))
        var tester: VideoTester?
        try worker.run { assignment in
            let test = try prepare(assignment)
            let count = computeThreads(threads)
            tester = test.tester(viewsAtOnce: assignment.viewsAtOnce, pool: ThreadPool(threads: count))
        } test: { rank in
            guard let tester else { throw Fault(.internal, name, "has not been told what to test") }
            return try tester.test(rank: rank)
        }
    }

    /// The same data, weights and recipe as the coordinator's, or none.
    private func prepare(_ assignment: TestAssignment) throws(Fault) -> PreparedTest {
        let file = checkpoint ?? assignment.checkpoint
        guard pathExists(file) else {
            throw Fault(.data, file, "there is no such checkpoint here", mend: "copy it, and name it with --checkpoint")
        }
        guard "\(try fileDigest(file))" == assignment.checkpointDigest else {
            throw Fault(.data, file, "is not the checkpoint that is tested", mend: "copy it again")
        }
        let document = try Document(toml: assignment.recipe, name: "the test's recipe")
        let test = try PreparedTest(
            try Recipe.read(document), data: data ?? assignment.data, split: assignment.split, checkpoint: file,
            allowsUnexpected: assignment.allowsUnexpected)
        guard "\(test.set.digest)" == assignment.dataDigest else {
            throw Fault(
                .data, "\(test.set.directory)/\(assignment.split)", "is not the data set that is tested",
                mend: "copy it again")
        }
        return test
    }
}
