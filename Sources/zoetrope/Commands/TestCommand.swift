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

/// `zoetrope test`.
struct TestCheckpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Test a checkpoint as the papers do: clip@1, video@1, video@5, per class.",
        discussion: """
            The protocol is the recipe's [test], or --protocol: vmz-small (10 clips, centre crop), vmz-large and \
            vmz-large-corrected (10 clips by 3 crops, fully convolutional), slowfast (PySlowFast's 30 views), nonlocal \
            (video-nonlocal-net's), dense (a clip at every frame). docs/testing.md has them in detail. Each video is decoded \
            once. One that cannot be tested counts as wrong and is listed.
            """)
    @Argument(help: "The recipe, and key=value for whatever is to be different.")
    var recipe: [String]
    @Option(
        help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file of any format and origin.")
    var checkpoint: String
    @Flag(help: "Test the moving average of the weights, of a run with optimizer.average.")
    var average = false
    @Flag(help: "Leave out tensors of the file that the network does not have.")
    var allowUnexpected = false
    @Option(help: "The data set's folder.")
    var data: String
    @Option(help: "Which split: train, val or test.")
    var split = "val"
    @Option(name: .customLong("protocol"), help: "A published protocol; without it, the recipe's.")
    var protocolName: String?
    @Option(help: "Clips per video; without it, the protocol's.")
    var clips: Int?
    @Option(help: "Crops per clip: 1, 3 or 6; without it, the protocol's.")
    var crops: Int?
    @Option(help: "What is made of the views' scores: mean, sum or max; without it, the protocol's.")
    var aggregate: String?
    @Option(help: "Views that go through the network together; without it, as many as 3 GiB hold. Changes no result.")
    var viewsAtOnce: Int?
    @Option(help: "A folder for scores.safetensors and report.html.")
    var out: String?
    @Option(help: "Worker processes that share the videos; 0 tests in this one.")
    var workers = 0
    @Option(help: "Compute threads, of each worker; 0 shares the cores among them.")
    var threads = 0
    @Option(help: .hidden)
    var parent: Int32?
    @Option(help: "Where workers of other machines may join ('zoetrope test-worker'): tcp://HOST:PORT.")
    var listen: String?
    @OptionGroup var protection: SecurityOptions
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard !recipe.isEmpty else { throw ValidationError("name a recipe") }
        try checkThreads(threads)
        guard (0...1024).contains(workers) else { throw ValidationError("--workers \(workers): choose 0 to 1024") }
        if let viewsAtOnce, !(1...10_000).contains(viewsAtOnce) {
            throw ValidationError("--views-at-once \(viewsAtOnce): choose 1 to 10000")
        }
    }

    func run() throws {
        let isShared = workers > 0 || listen != nil
        if isShared { detachStandardError() }
        if let parent { endWith(parent: parent, name: "test") }
        let test = try PreparedTest(
            try resolved(), set: try PackedSet(directory: try absolute(data), split: split),
            checkpoint: try absolute(try checkpointFile(checkpoint, average: average)),
            allowsUnexpected: allowUnexpected)
        if let remark = test.remark { standardError("zoetrope: \(remark)\n") }
        var record = try TestRecord(test, out: out, allowsUnexpected: allowUnexpected)
        let outcomes = isShared ? try distributed(test, &record) : try here(test, &record)
        attachStandardError()
        let finished = TestResult(test.table(outcomes))
        finished.warn()
        guard finished.metrics.untested < finished.metrics.videos else {
            throw Fault(.data, "\(data)/\(split)", "no views are left: none of its videos can be tested")
        }
        if let out {
            try finished.table.write(to: out + "/scores.safetensors")
            try writeWhole(TestPage(finished).html, to: out + "/report.html")
        }
        try record.finish()
        result.report(finished.json, text: finished.text)
    }

    /// The recipe with what the command line says of the test.
    private func resolved() throws(Fault) -> Recipe.Resolved {
        var document = try RunPreparation.document(recipe: recipe[0], assignments: Array(recipe.dropFirst()))
        func set(_ key: String, _ value: Value?) {
            if let value { document.set(key, to: value, origin: "command line") }
        }
        set("test.protocol", protocolName.map(Value.string))
        set("test.clips", clips.map(Value.integer))
        set("test.crops", crops.map(Value.integer))
        set("test.aggregate", aggregate.map(Value.string))
        let asked = try Recipe.read(document)
        if asked.recipe.numerics.instructionSet == "auto" {
            set("numerics.isa", .string(InstructionSet.best.rawValue))
        }
        return try Recipe.read(document)
    }

    private var threadCount: Int { computeThreads(threads) }

    private func here(_ test: PreparedTest, _ record: inout TestRecord) throws -> [VideoOutcome] {
        let pool = ThreadPool(threads: threadCount)
        let atOnce = try viewsAtOnce ?? test.viewsAtOnce(threads: pool)
        let tester = test.tester(viewsAtOnce: atOnce, pool: pool)
        return try (0..<test.set.count).map { rank in
            if let known = record.known[rank] { return known }
            let outcome = try tester.test(rank: rank)
            record.add(rank, outcome)
            return outcome
        }
    }

    private func distributed(_ test: PreparedTest, _ record: inout TestRecord) throws -> [VideoOutcome] {
        let atOnce = try viewsAtOnce ?? test.viewsAtOnce(threads: ThreadPool(threads: 1))
        let checkpoint = CachedFile(
            digest: try fileDigest(test.checkpoint), byteCount: try fileSize(test.checkpoint), name: test.checkpoint)
        let content = RunContent(test.set, others: [checkpoint.digest: checkpoint.name])
        let coordinator = try TestCoordinator(
            videos: test.set.count, known: record.known, classes: test.classes,
            assignment: TestAssignment(
                recipe: test.text,
                data: OfferedSplit(
                    directory: test.set.directory, split: split, description: content.description,
                    manifestBytes: content.manifestBytes),
                dataDigest: "\(test.set.digest)", checkpoint: checkpoint, viewsAtOnce: atOnce,
                allowsUnexpected: allowUnexpected),
            listen: listen ?? "tcp://127.0.0.1:0", security: try protection.security(as: .coordinator),
            content: { content.path(of: $0) })
        if listen != nil { standardError("zoetrope: workers may join at \(coordinator.endpoint)\n") }
        let local = LocalWorkers()
        let left = test.set.count - record.known.count
        if workers > 0, left > 0 {
            try local.start(
                workers, command: "test-worker", endpoint: coordinator.endpoint,
                threads: computeThreads(threads, ofEachOf: workers), slices: nil,
                options: try protection.arguments, onEnd: { _, _ in })
        }
        defer { local.wait() }
        do {
            return try coordinator.run(
                mayComeBack: { listen != nil || local.running > 0 }, note: { record.tell($0) })
        } catch {
            local.kill()
            throw error
        }
    }
}
