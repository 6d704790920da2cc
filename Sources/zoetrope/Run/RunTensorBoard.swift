import Checkpoints
import Clips
import Configuration
import Coordinator
import Evaluation
import Faults
import Foundation
import Protocol
import Reporting
import Storage
import Synchronization
import Training
import Video
import Wire
import Worker

/// `RUN/tensorboard`: the run as TensorBoard shows it. Each coordinator writes a file of its own, which goes on where the one
/// before it stopped.
final class RunTensorBoard: Sendable {
    private let file: Mutex<EventFile>
    /// Writes the coordinator's steps. What a coordinator that is killed had not written yet is missing in its file.
    private let steps: FileThread
    private let run: String
    /// The newest step that files of earlier coordinators show. One that is computed again, because the ledger was lost, would
    /// be shown twice; and a step behind a later one takes that from some of TensorBoard's readers.
    private let shown: Int
    /// Reads clips and checkpoints, behind everything else.
    private let background = DispatchQueue(label: "tensorboard", qos: .background)
    private let backlog = Mutex(Backlog())

    /// Tensors of checkpoints whose distributions are still to be shown.
    private struct Backlog {
        struct Piece {
            let version: Int
            let tensor: String
        }

        private var versions: [Int] = []
        private var pieces: ArraySlice<Piece> = []

        mutating func add(_ version: Int) { versions.append(version) }

        /// - Parameter tensors: what a checkpoint holds.
        mutating func next(_ tensors: (Int) -> [String]) -> Piece? {
            while pieces.isEmpty, !versions.isEmpty {
                let version = versions.removeFirst()
                pieces = tensors(version).map { Piece(version: version, tensor: $0) }[...]
            }
            return pieces.popFirst()
        }
    }

    /// - Parameter generation: Which coordinator of the run this is.
    init(run: String, generation: UInt64, preparation: RunPreparation) throws(Fault) {
        self.run = run
        let folder = run + "/tensorboard"
        try makeDirectories(folder)
        let isFirst = try directoryNames(folder).isEmpty
        shown = Self.newestStep(in: folder)
        let time = wallClock()
        let events = try EventFile(folder: folder, time: time, host: hostName(), suffix: "\(getpid()).\(generation)")
        let recipe = preparation.resolved.toml.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "    " + $0 }.joined(separator: "\n")
        let parameters = preparation.resolved.values.compactMap(Self.parameter)
        for value: TensorBoardValue in [
            .init("recipe/text_summary", .text(recipe)),
            Self.value(.experiment(parameters, metrics: [Self.loss, "accuracy", "validation/video_top1"])),
            Self.value(.start(parameters, group: run, time: time)),
        ] {
            events.append(TensorBoardEvent(time: time, .values([value])))
        }
        steps = FileThread(events.path)
        file = Mutex(events)
        // Whoever goes on with a run has shown them already.
        if isFirst { background.async { self.showClips(preparation) } }
    }

    /// -1 where none is shown.
    private static func newestStep(in folder: String) -> Int {
        do throws(Fault) { return try EventFile.steps(of: loss, in: folder).max() ?? -1 } catch {
            standardError("zoetrope: TensorBoard may show steps twice: \(error)\n")
            return -1
        }
    }

    /// What every step tells.
    private static let loss = "loss"

    private static func value(_ parameters: TensorBoardParameters) -> TensorBoardValue {
        .init(parameters.tag, .hyperParameters(parameters))
    }

    /// TensorBoard's table has texts, numbers and truth values; lists are told as they stand in the recipe.
    private static func parameter(_ resolved: Reader.Resolved) -> (name: String, value: TensorBoardParameters.Value)? {
        switch resolved.value {
        case .string(let text): (resolved.key, .text(text))
        case .integer(let number): (resolved.key, .number(Double(number)))
        case .real(let number): (resolved.key, .number(number))
        case .boolean(let truth): (resolved.key, .boolean(truth))
        case .list: (resolved.key, .text(resolved.value.toml))
        case .table: nil
        }
    }

    /// The first clips of the stream as the network sees them, moving: what augmentation, speed and crops do.
    private func showClips(_ preparation: RunPreparation) {
        do {
            let shaped = try preparation.recipe.clipSettings(of: preparation.schedule)
            let set = try PackedSet(directory: preparation.data, split: "train")
            let loader = ClipLoader(set, shaped(0), seed: preparation.recipe.seed)
            for position in 0..<min(Self.clips, set.count) {
                let settings = shaped(UInt64(position))
                loader.settings = settings
                var clip = [Float](repeating: 0, count: settings.clipFloats)
                let loaded = try clip.withUnsafeMutableBufferPointer {
                    try loader.load(position: UInt64(position), into: $0)
                }
                let (side, pixels) = (settings.crop, 3 * settings.crop * settings.crop)
                var gif = AnimatedGIF(width: side, height: side)
                for t in 0..<settings.frames {
                    let frame = clip[t * pixels..<(t + 1) * pixels].enumerated().map { place, value in
                        let raw = value * settings.deviation[place % 3] + settings.mean[place % 3]
                        return UInt8(min(255, max(0, raw.rounded())))
                    }
                    gif.add(rgb: frame, hundredths: 4 * settings.samplingRate)
                }
                let tag = "clips/\(position) \(set.classes[loaded.label])"
                append(step: 0, [.init(tag, .picture(width: side, height: side, gif.finished()))])
            }
        } catch {
            standardError("zoetrope: TensorBoard gets no clips: \(error)\n")
        }
    }

    /// How many of them are shown.
    private static let clips = 4

    /// Hears of steps and checkpoints, besides whoever hears of them already.
    func watch(_ observer: inout CoordinatorShell.Observer) {
        observer.committed = { [self, committed = observer.committed] record, isReplayed in
            committed(record, isReplayed)
            if !isReplayed { self.committed(record) }
        }
        observer.note = { [self, note = observer.note] told in
            note(told)
            guard case .checkpoint(let version) = told else { return }
            backlog.withLock { $0.add(version) }
            background.async { self.showDistributions() }
        }
    }

    private func committed(_ record: LedgerRecord) {
        let point = StepPoint(record)
        guard point.step > shown else { return }
        var values = [(Self.loss, point.loss), ("accuracy", point.accuracy), ("learning_rate", point.learningRate)]
        // A gradient that is not finite has no norm; TensorBoard would draw the axis to infinity.
        if point.gradientNorm.isFinite { values.append(("gradient_norm", point.gradientNorm)) }
        values += [
            ("speed/clips_per_s", point.clipsPerSecond), ("speed/seconds_per_step", point.seconds),
            ("cluster/workers", Double(record.workers)),
        ]
        let event = TensorBoardEvent(
            time: wallClock(), step: point.step, .values(values.map { TensorBoardValue($0.0, .scalar($0.1)) }))
        steps.post { [self] in append(event) }
    }

    /// Its accuracy, and what was taken for what.
    func validated(_ result: ValidatedCheckpoint) {
        append(step: result.step, [TensorBoardValue("validation/video_top1", .scalar(result.videoTop1))])
        let classes = result.metrics.classes.count
        guard (1...ConfusionPicture.mostClasses).contains(classes) else {
            return standardError("zoetrope: TensorBoard gets no confusion matrix of \(classes) classes\n")
        }
        let picture = ConfusionPicture(
            classes: classes, cells: result.metrics.confusion.map(TestReport.Cell.init))
        do throws(Fault) {
            let png = try encodePNG(rgb: picture.rgb, width: picture.side, height: picture.side)
            let value = TensorBoardValue(
                "validation/confusion", .picture(width: picture.side, height: picture.side, png))
            append(step: result.step, [value])
        } catch {
            standardError("zoetrope: TensorBoard gets no confusion matrix of step \(result.step): \(error)\n")
        }
    }

    /// How the weights of checkpoints are distributed, tensor by tensor until nothing is left. Any number of threads.
    private func showDistributions() {
        while let piece = backlog.withLock({ $0.next(tensors) }) {
            let histogram = reading(piece.version) { model throws(Fault) in
                TensorBoardHistogram(of: try model.floats(piece.tensor))
            }
            guard let histogram, let histogram else { continue }
            append(step: piece.version, [TensorBoardValue("weights/" + piece.tensor, .histogram(histogram))])
        }
    }

    private func tensors(_ version: Int) -> [String] {
        reading(version) { model in model.tensors.filter { $0.type == .f32 }.map(\.name) } ?? []
    }

    /// Nil when the checkpoint cannot be read. One that is gone when its turn comes was not worth a look.
    private func reading<T>(_ version: Int, _ body: (SafetensorsFile) throws(Fault) -> T) -> T? {
        let path = CheckpointStore.path(run: run, version: version) + "/model.safetensors"
        do throws(Fault) { return try body(SafetensorsFile(path)) } catch {
            if pathExists(path) {
                standardError("zoetrope: TensorBoard gets no histograms of step \(version): \(error)\n")
            }
            return nil
        }
    }

    private func append(step: Int, _ values: [TensorBoardValue]) {
        append(TensorBoardEvent(time: wallClock(), step: step, .values(values)))
    }

    private func append(_ event: TensorBoardEvent) { _ = file.withLock { $0.append(event) } }

    /// What waits is written, by the caller as well: the background may take long on a busy machine. Then the run is told to
    /// have ended.
    func finish(_ ending: Ending) {
        steps.finish()
        showDistributions()
        background.sync {}
        // One that only stopped goes on with another file.
        guard ending.code != 75 else { return }
        let time = wallClock()
        let end = Self.value(.end(isSuccess: ending.code == 0, time: time))
        append(TensorBoardEvent(time: time, .values([end])))
    }
}
