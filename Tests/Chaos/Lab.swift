import Coordinator
import Foundation
import Glibc
import TestSupport
import Wire

/// One case at work: a run, what disturbs it, and what was seen.
package final class Lab {
    let laboratory: Laboratory
    let folder: String
    var dice: Dice
    private(set) var lines: [String] = []
    private(set) var cluster: TestCluster
    private var faults: [(what: String, time: Double)] = []
    var recipe = ChaosRecipe(steps: 24)
    /// The data set, where it is not the usual one.
    var data: String?
    var port = 0
    /// The part of the steps of which a block is computed twice; the program's own where it is not said.
    var verify: Double?
    /// Between a worker and the coordinator, by the worker's name.
    var relays: [String: TCPRelay] = [:]
    /// Undone in reverse when the case is over, whatever its end.
    private var undoing: [() -> Void] = []

    init(_ laboratory: Laboratory, case name: String) throws {
        self.laboratory = laboratory
        folder = laboratory.root + "/" + name
        try? FileManager.default.removeItem(atPath: folder)
        dice = Dice(seed: laboratory.seed, case: name)
        cluster = try TestCluster(folder: folder)
    }

    func say(_ line: String) { lines.append(line) }

    func atEnd(_ body: @escaping () -> Void) { undoing.append(body) }

    func close() {
        cluster.killAll()
        for body in undoing.reversed() { body() }
        undoing = []
    }

    /// Another folder for the run, such as a small disk.
    func useRunFolder(_ run: String) throws { cluster = try TestCluster(folder: folder, run: run) }

    // MARK: - Commands

    /// Writes a `cluster.conf`.
    func configuration(_ name: String = "cluster", coordinator: String? = nil, dataHost: String = "127.0.0.1") throws
        -> String
    {
        if port == 0 { port = try freePort() }
        let path = folder + "/\(name).conf"
        let text = """
            [coordinator]
            address = "\(coordinator ?? "tcp://127.0.0.1:\(port)")"
            \(verify.map { "verify = \($0)" } ?? "")
            [worker]
            data_host = "\(dataHost)"
            threads = 1
            [timeouts]
            patience = 60.0

            """
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    func coordinatorCommand(workers: Int, configuration path: String? = nil, run: String? = nil) throws -> [String] {
        [laboratory.program, "coordinator", "--config", try path ?? configuration(), "--recipe", recipe.path]
            + recipe.assignments
            + [
                "--data", try data ?? laboratory.data(), "--run", run ?? cluster.run, "--workers", "\(workers)",
                "--json",
            ]
    }

    func workerCommand(_ name: String, join: String? = nil, configuration path: String? = nil, data: String? = nil)
        throws
        -> [String]
    {
        let path = try path ?? configuration()
        return [
            laboratory.program, "worker", "--join", join ?? "tcp://127.0.0.1:\(port)", "--config", path, "--name", name,
            "--cache", cache(name),
        ] + (data.map { ["--data", $0] } ?? [])
    }

    /// Where a worker keeps what it pulls: none of a case finds what another one left.
    func cache(_ name: String) -> String { folder + "/cache-\(name)" }

    func startCoordinator(workers: Int) throws {
        _ = try laboratory.undisturbed(recipe, data: data)
        try cluster.start(TestCluster.coordinator, coordinatorCommand(workers: workers))
    }

    func startWorker(_ name: String) throws { try cluster.start(name, workerCommand(name)) }

    /// A coordinator and workers `a`, `b`, ... on this machine, until the first steps are done.
    func begin(workers: Int, warmUp: Int = 3) throws {
        try startCoordinator(workers: workers)
        for name in Self.names(workers) { try startWorker(name) }
        try cluster.waitForStep(warmUp)
    }

    static func names(_ count: Int) -> [String] { (0..<count).map { String(UnicodeScalar(UInt8(97 + $0))) } }

    /// What `zoetrope status` says; `nil` when nobody answers.
    func status(prefix: [String] = [], join: String? = nil) throws -> [String: Any]? {
        let answer = try Chaos.run(
            prefix + [laboratory.program, "status", "--join", join ?? "tcp://127.0.0.1:\(port)", "--json"])
        guard answer.exit == .code(0), let line = answer.text.split(separator: "\n").first(where: { $0.hasPrefix("{") })
        else { return nil }
        return (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
    }

    /// Keys of this case, for whatever leaves the machine; made at the first call.
    /// - Returns: The flags for every command; none, and a line in the report, where the program has no keys.
    func keyFlags() throws -> [String] {
        let keys = folder + "/keys"
        if !FileManager.default.fileExists(atPath: keys) {
            guard try Chaos.run(laboratory.program, "keys", "--help").exit == .code(0) else {
                say("this program has no keys: everybody may speak to it")
                return []
            }
            let made = try Chaos.run(laboratory.program, "keys", keys)
            guard made.exit == .code(0) else { throw ChaosFault("keys: \(made.exit): \(made.text)") }
        }
        return ["--keys", keys]
    }

    // MARK: - Faults

    /// Does something to the cluster and remembers when.
    func disturb(_ what: String, _ body: () throws -> Void) throws {
        // Steps may be so short that the last sample is of workers that had not begun.
        try cluster.poll(samplesNow: true)
        faults.append((what, monotonicNow()))
        try body()
    }

    /// Turns bits of a worker's numbers while it is stopped.
    /// - Returns: How many.
    func turnBits(_ count: Int, in worker: String) throws -> Int {
        guard let pid = cluster.pid(worker) else { return 0 }
        cluster.signal(worker, SIGSTOP)
        defer { cluster.signal(worker, SIGCONT) }
        return try MemoryFlips(of: pid).turn(count, &dice)
    }

    var lastFault: Double { faults.last?.time ?? 0 }

    /// Waits until a part of the next step is over: 0 is right behind a commit, 1 about the next one.
    func waitWithinStep(_ part: Double) throws {
        let count = cluster.commits.times.count
        try cluster.wait(for: "the next step") { cluster.commits.times.count > count }
        try cluster.run(for: part * (cluster.commits.median() ?? 0.2))
    }

    // MARK: - Verdicts

    /// The run ends as an undisturbed one: weights, ledger, exit codes, memory and descriptors.
    /// - Parameter pulling: clips are pulled for the first time after the fault, by connections of their own.
    func expectUndisturbed(within seconds: Double = 180, pulling: Bool = false) throws {
        try cluster.waitForEnd(seconds)
        try cluster.wait(60, for: "the workers to end behind the coordinator") { cluster.running.isEmpty }
        try expectSameBits()
        reportRecoveries()
        try expectNoGrowth(besides: pulling ? 24 : 0)
    }

    func expectSameBits() throws {
        let wanted = try laboratory.undisturbed(recipe, data: data)
        let hash = try CheckpointStore.weightsSHA256(run: cluster.run, version: recipe.steps)
        try expect(hash == wanted.hash, "weights \(hash) are not the undisturbed run's \(wanted.hash)")
        let ledger = try StepLedger.read(run: cluster.run)
        try expect(
            ledger.map(\.outcome.step) == Array(0..<recipe.steps), "the ledger has steps \(ledger.map(\.outcome.step))")
        for (record, outcome) in zip(ledger, wanted.outcomes) where !record.outcome.matches(outcome) {
            throw ChaosFault("step \(outcome.step) of the ledger differs from the undisturbed run's")
        }
        // The program's own proofs: each clip once, each checkpoint whole.
        for proof in ["audit", "verify"] {
            let said = try Chaos.run(laboratory.program, proof, cluster.run)
            try expect(said.exit == .code(0), "zoetrope \(proof): \(said.exit): \(said.text)")
        }
        let generations = ledger.map(\.generation)
        try expect(generations == generations.sorted(), "a lower generation wrote behind a higher one: \(generations)")
    }

    /// Seconds without a new step after each fault, less a step.
    var recoveries: [(what: String, lost: Double)] {
        guard let first = faults.first, let usual = cluster.commits.median(to: first.time) else { return [] }
        return faults.enumerated().compactMap { index, fault in
            let end = index + 1 < faults.count ? faults[index + 1].time : .infinity
            return cluster.commits.longestGap(from: fault.time, to: end).map { (fault.what, max(0, $0 - usual)) }
        }
    }

    private func reportRecoveries() {
        guard let first = faults.first, let usual = cluster.commits.median(to: first.time) else { return }
        for (what, lost) in recoveries { say("\(what): \(seconds(lost)) s lost (a step takes \(seconds(usual)) s)") }
    }

    /// Whoever lived through all faults has no more descriptors than before, and not much more memory.
    private func expectNoGrowth(besides descriptors: Int) throws {
        let members = cluster.commits.workers.first ?? 0
        guard let fault = faults.first else { return }
        for (name, life) in cluster.lives {
            guard let before = life.samples.last(where: { $0.time < fault.time }), let after = life.samples.last,
                after.time > fault.time + 1
            else { continue }
            // Each of the others is some descriptors; one that has come back may count twice for a while.
            try expect(
                after.descriptors
                    <= before.descriptors + 6 * max(2, cluster.jobs.count - members) + descriptors,
                "\(name) had \(before.descriptors) descriptors before the fault and \(after.descriptors) at the end")
            // Buffers of the usual size for a worker that has become an owner of more; not several times as much.
            try expect(
                after.residentBytes < before.residentBytes * 3 / 2 + 128 << 20,
                "\(name) had \(before.residentBytes >> 20) MB before the fault and \(after.residentBytes >> 20) at the end"
            )
        }
    }

    func ledger() throws -> [LedgerRecord] { try StepLedger.read(run: cluster.run) }

    func newestCheckpoint() throws -> Int { try checkpoints().max() ?? -1 }

    func checkpoints() throws -> [Int] { try CheckpointStore.versions(run: cluster.run) }

    func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
        guard condition else { throw ChaosFault(otherwise() + "\n" + cluster.lastWords) }
    }
}

func seconds(_ value: Double) -> String { String(format: "%.2f", value) }
