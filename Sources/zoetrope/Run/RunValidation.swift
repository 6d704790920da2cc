import Coordinator
import Evaluation
import Faults
import Foundation
import Launch
import Protocol
import Reporting
import Storage
import Synchronization
import Threads
import Training

/// Tests checkpoints while training goes on, one at a time, each in a `zoetrope test` of its own at the lowest priority, and
/// keeps the best: `RUN/validation.jsonl` has a line for each, `RUN/best/model.safetensors` is the file that scored best.
///
/// Nothing of it reaches the weights. What a crash leaves undone stands in `RUN/validation/` and is done by the next
/// coordinator. A test that fails is told on stderr and costs its line, not the run.
final class RunValidation: Sendable {
    private let run: String
    private let preparation: RunPreparation
    private let told: @Sendable (ValidatedCheckpoint) -> Void
    private let state: Mutex<State>
    /// Keeps checkpoints as they come.
    private let keeper = TaskThread(name: "validation")
    /// Tests them; a task for each that waits.
    private let tester = TaskThread(name: "testing")

    private struct State {
        var waiting: [Int] = []
        /// The newest that is done or waits.
        var last = 0
        /// The run has ended early: what waits is for the next coordinator.
        var isAbandoned = false
        /// Something was, and is not done.
        var isLeft = false
        /// Whoever wanted the end runs the same command again, if its code says that there is something to do.
        var comesAgain = false
        var child: Process?

        mutating func abandon() {
            isLeft = isLeft || !waiting.isEmpty
            waiting = []
            isAbandoned = true
            child?.terminate()
        }
    }

    init(
        run: String, preparation: RunPreparation, told: @escaping @Sendable (ValidatedCheckpoint) -> Void
    ) throws(Fault) {
        self.told = told
        self.run = run
        self.preparation = preparation
        try makeDirectories(run + "/validation")
        _ = try StagedDirectory.clear(run + "/validation")
        var state = State()
        state.waiting = try directoryNames(run + "/validation").compactMap {
            $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil
        }.sorted()
        state.last = max(state.waiting.last ?? 0, try ValidationLog(run: run).results.map(\.step).max() ?? 0)
        self.state = Mutex(state)
        for _ in state.waiting { tester.post { [self] in runNext() } }
    }

    private var settings: Recipe.Validation { preparation.recipe.validation }
    private var data: String { preparation.data }

    /// A checkpoint is whole: it is kept for validation, if it is due. From any thread; returns at once. It is kept while the
    /// next one is written, and one that went before it could be is told.
    func checkpointCompleted(_ version: Int) { keeper.post { [self] in keep(version) } }

    private func keep(_ version: Int) {
        let isDue = state.withLock { state in
            guard
                preparation.recipe.isValidationDue(
                    version: version, last: state.last, steps: preparation.steps, epochs: preparation.epochs)
            else { return false }
            state.last = version
            return true
        }
        guard isDue else { return }
        do throws(Fault) {
            let staged = try StagedDirectory(folder(version))
            let name = settings.average ? "/average.safetensors" : "/model.safetensors"
            let source = CheckpointStore.path(run: run, version: version) + name
            guard link(source, staged.staging + "/model.safetensors") == 0 else {
                throw Fault(.data, source, "cannot be linked: \(String(cString: strerror(errno)))")
            }
            try staged.commit()
        } catch {
            return standardError("zoetrope: step \(version) is not validated: \(error)\n")
        }
        state.withLock { $0.waiting.append(version) }
        tester.post { [self] in runNext() }
    }

    /// Training has ended: what waits is done first if the run is, and left to the next coordinator if not.
    /// - Returns: the ending of a run that is done, where something was left to the same command on SIGUSR1; else nil.
    func finish(isDone: Bool) -> Ending? {
        keeper.finish()
        state.withLock { state in
            if !isDone {
                state.abandon()
            } else if !state.waiting.isEmpty || state.child != nil {
                standardError("zoetrope: validating the last checkpoints\n")
            }
        }
        let tested = DispatchSemaphore(value: 0)
        tester.post { tested.signal() }
        // A test of many videos takes hours; whoever supervises this process is not to take it for one that does not end.
        let watchdog = Watchdog(ServiceNotice.system)
        while tested.wait(timeout: .now() + 1) == .timedOut {
            watchdog.ticked()
            ServiceNotice.system?.extend(seconds: 60)
        }
        tester.finish()
        let isOwed = state.withLock { $0.isLeft && $0.comesAgain }
        return isDone && isOwed ? Ending(code: 75, reason: "its last checkpoints are not validated") : nil
    }

    /// The run is to end, or its command: what is not validated yet is left to the same command. From any thread.
    ///
    /// SIGUSR1 is from a scheduler, which gives it again on 75; people who end it have their result.
    func leaveTheRest(on signal: Int32) {
        let isLeft = state.withLock { state in
            if signal == SIGUSR1 { state.comesAgain = true }
            let isLeft = !state.isAbandoned && (!state.waiting.isEmpty || state.child != nil)
            state.abandon()
            return isLeft
        }
        if isLeft { standardError("zoetrope: the last checkpoints are not validated; the same command does it\n") }
    }

    /// Few views, cut out of the middle, whatever the recipe's own test is: its thirty would cost as much as the training.
    private var views: [String] {
        [
            "test.protocol=vmz-small", "test.clips=\(settings.clips)", "test.crops=1", "test.starts=vmz",
            "test.repeat_short=true", "test.short_edge=0", "test.crop=0", "test.geometry=vmz", "test.region=crop",
            "test.head=linear", "test.softmax=separate", "test.aggregate=mean",
        ]
    }

    private func folder(_ version: Int) -> String { run + "/validation/step-\(version)" }

    private func runNext() {
        let next = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        guard let version = next else { return }
        do throws(Fault) {
            var model = folder(version) + "/model.safetensors"
            if settings.preciseClips > 0 {
                let precise = folder(version) + "/precise.safetensors"
                _ = try call([
                    "model", "precise", run + "/recipe.toml", "--checkpoint", model, "--data", data, "--clips",
                    "\(settings.preciseClips)", "--out", precise, "--threads", "1", "--json",
                ])
                model = precise
            }
            let scores = try call(
                ["test", run + "/recipe.toml"] + views + [
                    "--checkpoint", model, "--data", data, "--split", settings.split, "--threads", "1",
                    "--views-at-once", "2", "--out", folder(version) + "/test", "--json",
                ])
            let table = try ScoreTable(path: folder(version) + "/test/scores.safetensors")
            try record(version, model, scores, TestMetrics(table))
            try removeTree(folder(version))
        } catch {
            // Ended with the run: it is done by the next coordinator.
            guard error.code != .stoppedEarly else { return state.withLock { $0.isLeft = true } }
            standardError("zoetrope: step \(version) is not validated: \(error)\n")
            try? removeTree(folder(version))
        }
    }

    /// Runs this program with these arguments.
    /// - Returns: What the last line of its output says in numbers.
    /// - Throws: its fault's line; `Fault.stoppedEarly` when the run ended meanwhile.
    private func call(_ arguments: [String]) throws(Fault) -> [String: Double] {
        let thing = "zoetrope " + arguments[0]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        // Whoever outlives the coordinator would hold what the next one wants to do again.
        process.arguments = arguments + ["--parent", "\(getpid())"]
        process.standardInput = FileHandle.nullDevice
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let isAbandoned = try state.withLock { state throws(Fault) in
            guard !state.isAbandoned else { return true }
            do { try process.run() } catch { throw Fault(.internal, thing, "cannot be started: \(error)") }
            state.child = process
            return false
        }
        guard !isAbandoned else { throw Fault(.stoppedEarly, thing, "the run ended") }
        // Training comes first.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process.processIdentifier), 19)
        // Progress on stderr is read aside, or a full pipe would hold the child.
        let said = Mutex<Data>(Data())
        let reader = DedicatedThread(name: "progress") {
            let all = errors.fileHandleForReading.readDataToEndOfFile()
            said.withLock { $0 = all }
        }
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        reader.join()
        let wasAbandoned = state.withLock { state in
            state.child = nil
            return state.isAbandoned
        }
        guard process.terminationStatus == 0, process.terminationReason == .exit else {
            // Also where a supervisor ends all processes of the run at once.
            let isTold =
                process.terminationReason == .uncaughtSignal
                && [SIGTERM, SIGINT, SIGHUP, SIGUSR1].contains(process.terminationStatus)
            if wasAbandoned || isTold { throw Fault(.stoppedEarly, thing, "the run ended") }
            let lines = said.withLock { String(decoding: $0, as: UTF8.self) }.split(whereSeparator: \.isNewline)
            throw Fault(.data, thing, "ended with \(process.terminationStatus): \(lines.last ?? "")")
        }
        let line =
            String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        let members = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard let members else { throw Fault(.internal, thing, "said nothing that can be read: \(line)") }
        return members.compactMapValues { ($0 as? NSNumber)?.doubleValue }
    }

    /// A line of the log, and a new best if it is one.
    private func record(_ version: Int, _ model: String, _ scores: [String: Double], _ metrics: TestMetrics)
        throws(Fault)
    {
        let log = try ValidationLog(run: run)
        guard let videoTop1 = scores["video_top1"] else {
            throw Fault(.internal, "zoetrope test", "did not say its video_top1")
        }
        let isBest = log.best.map { videoTop1 > $0.videoTop1 } ?? true
        if isBest {
            let staged = try StagedDirectory(run + "/best")
            guard link(model, staged.staging + "/model.safetensors") == 0 else {
                throw Fault(.data, model, "cannot be linked: \(String(cString: strerror(errno)))")
            }
            try staged.commit()
        }
        let fault = try MetricsLog(path: ValidationLog.path(run)).append([
            "step": .integer(version), "epoch": .number(preparation.epochs(version)),
            "clip_top1": .number(scores["clip_top1"] ?? .nan), "video_top1": .number(videoTop1),
            "video_top5": .number(scores["video_top5"] ?? .nan), "videos": .integer(Int(scores["videos"] ?? 0)),
            "best": .boolean(isBest),
        ])
        if let fault { throw fault }
        told(ValidatedCheckpoint(step: version, videoTop1: videoTop1, isBest: isBest, metrics: metrics))
        standardError(
            "zoetrope: step \(version): video@1 \(hundredths(100 * videoTop1)) %\(isBest ? ", the best so far" : "")\n")
    }
}

/// What testing a checkpoint came to.
struct ValidatedCheckpoint: Sendable {
    var step: Int
    var videoTop1: Double
    var isBest: Bool
    var metrics: TestMetrics
}

/// `RUN/validation.jsonl`, as far as it can be read: a line that a crash tore off is passed over.
struct ValidationLog {
    let results: [(step: Int, videoTop1: Double)]

    static func path(_ run: String) -> String { run + "/validation.jsonl" }

    init(run: String) throws(Fault) {
        let path = Self.path(run)
        guard pathExists(path) else {
            results = []
            return
        }
        let text = String(decoding: try readWhole(path, limit: 64 << 20), as: UTF8.self)
        results = text.split(separator: "\n").compactMap { line in
            let members = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let step = members?["step"] as? Int, let top1 = members?["video_top1"] as? Double else { return nil }
            return (step, top1)
        }
    }

    /// The highest score; of equal ones the earliest.
    var best: (step: Int, videoTop1: Double)? {
        results.max { ($0.videoTop1, -$0.step) < ($1.videoTop1, -$1.step) }
    }
}
