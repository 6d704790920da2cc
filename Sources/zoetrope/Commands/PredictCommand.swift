import ArgumentParser
import Clips
import Curation
import Evaluation
import Faults
import Foundation
import Models
import Prediction
import Reporting
import Storage
import Training
import Worker

/// `zoetrope predict`.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Say what videos show: the best classes, and what happens when.",
        discussion: """
            A video's scores are the mean softmax over the views that the recipe's tests take. With --every, a window slides \
            over it instead, and neighbouring clips with the same best class make a segment of the timeline.

              zoetrope predict --checkpoint runs/motion video.mp4 folder/
              zoetrope predict --checkpoint runs/motion --every 8 --draw out/ long.mp4
              ls *.mp4 | zoetrope predict --checkpoint runs/motion --list - --format json
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, csv }

    @Argument(help: "Video files, folders of them, or - for one video on standard input.")
    var videos: [String] = []
    @Option(help: "A file with a path a line; - reads the paths from standard input.")
    var list: String?
    @OptionGroup var source: NetworkSource
    @Option(help: "The classes' names: classids.json, or a name a line; without it, those of the run's data set.")
    var classes: String?
    @Option(help: "How many classes to name.")
    var top = 5
    @Option(help: "Clips of each video, spread over it; without it, the recipe's for tests.")
    var clips: Int?
    @Option(help: "Slide over the video: a clip every so many frames, and a timeline.")
    var every: Int?
    @Option(help: "text, json (an object a line) or csv.")
    var format = Format.text
    @Option(help: "A folder for the videos with the prediction written on them.")
    var draw: String?

    func validate() throws {
        guard !videos.isEmpty || list != nil else { throw ValidationError("name videos, folders, - or a --list") }
        guard (1...10000).contains(top) else { throw ValidationError("--top \(top): choose 1 to 10000") }
        if let clips, !(1...1000).contains(clips) { throw ValidationError("--clips \(clips): choose 1 to 1000") }
        if let every, !(1...1_000_000).contains(every) { throw ValidationError("--every \(every): choose 1 or more") }
        guard clips == nil || every == nil else { throw ValidationError("--clips and --every exclude each other") }
        guard videos.count(where: { $0 == "-" }) + (list == "-" ? 1 : 0) < 2 else {
            throw ValidationError("standard input can be read once")
        }
    }

    func run() throws {
        let network = try source.open()
        let pool = source.pool()
        let settings = views(network.settings)
        let count = settings.clips == 0 ? nil : settings.clips * settings.crops
        let runner = network.runner(
            settings, viewsAtOnce: try network.viewsAtOnce(settings, views: count, pool: pool), pool: pool)
        let names = try source.classNames(classes, count: network.classes)
        if names.isEmpty { standardError("zoetrope: nothing tells the classes' names; --classes does\n") }
        let paths = try videos.flatMap { (path) throws(Fault) in try Self.files(path) } + (list.map(Self.listed) ?? [])
        if let draw { try Self.makeFolder(draw) }
        if format == .csv { print(VideoPrediction.csvHeader, terminator: "") }

        var failures = 0
        var drawn: Set<String> = []
        for path in paths {
            let name = path == "-" ? "standard input" : path
            let prediction: VideoPrediction
            // A bad video costs no other.
            do { prediction = try predict(path, name, runner, network.recipe.test.aggregate, names, &drawn) } catch {
                let reason = (error as? Fault).map { $0.reason + ($0.mend.isEmpty ? "" : "; \($0.mend)") } ?? "\(error)"
                prediction = VideoPrediction(video: name, classNames: names, outcome: .failure(.init(reason: reason)))
                failures += 1
                standardError("zoetrope: \(name): \(reason)\n")
            }
            show(prediction)
        }
        guard failures == 0 else {
            throw Fault(
                .data, "\(failures) of \(paths.count) videos", "cannot be predicted: see above",
                mend: "`zoetrope data check` says more about them")
        }
    }

    /// The recipe's views, as the options change them. However short a video is, it has some.
    private func views(_ settings: ViewSettings) -> ViewSettings {
        if let every { return settings.sliding(stride: every) }
        if let clips { return settings.spread(clips: clips) }
        var settings = settings
        settings.repeatsShort = true
        return settings
    }

    private func show(_ prediction: VideoPrediction) {
        switch format {
        case .text: if case .success = prediction.outcome { print(prediction.text, terminator: "") }
        case .json: print(prediction.json.text)
        case .csv: print(prediction.csv, terminator: "")
        }
        fflush(nil)
    }

    /// What one video shows, also drawn on it where that was asked for.
    private func predict(
        _ path: String, _ name: String, _ runner: ViewRunner, _ aggregate: TestProtocol.Aggregate, _ names: [String],
        _ drawn: inout Set<String>
    ) throws -> VideoPrediction {
        let bytes = path == "-" ? try Self.standardInput() : try readWhole(path, limit: 16 << 30)
        let scored = try runner.score(ViewedVideo(name: name) { bytes }).get()
        // Sums over views rank as means do, and do not say how sure the network is.
        let scores = scored.scores.aggregate(aggregate == .sum ? .mean : aggregate)
        let clips = scored.clips
        let (starts, rows) = (clips.map(\.start), clips.map(\.scores))
        let (frames, span) = (scored.facts.frameCount, runner.settings.span)
        let prediction = VideoPrediction(
            video: name, classNames: names,
            outcome: .success(
                .init(
                    frames: frames, frameTimes: scored.facts.frameTimes, clips: clips.count,
                    top: TopClasses(scores, count: top).entries,
                    timeline: every == nil ? nil : Timeline(starts: starts, span: span, frames: frames, scores: rows))))
        if let draw {
            // With a sliding window each frame shows the clip whose middle is nearest.
            let captions = every == nil ? [scores] : rows
            let made = try bytes.withUnsafeBytes { raw in
                try AnnotatedVideo.make(raw, name: name) { frame in
                    let nearest = every == nil ? 0 : Self.nearest(to: frame, starts, span)
                    return TopClasses(captions[nearest], count: min(top, 5)).entries.map {
                        .init(text: "\(percent($0.score)) \(prediction.name(of: $0.label))", score: $0.score)
                    }
                }
            }
            try writeWhole(made, to: Self.target(path, in: draw, &drawn))
        }
        return prediction
    }

    private static func nearest(to frame: Int, _ starts: [Int], _ span: Int) -> Int {
        starts.indices.min { abs(2 * (starts[$0] - frame) + span - 1) < abs(2 * (starts[$1] - frame) + span - 1) } ?? 0
    }

    /// A folder stands for the videos below it.
    static func files(_ path: String) throws(Fault) -> [String] {
        if path == "-" { return [path] }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Fault(.usage, path, "there is no such file or folder", mend: "check the path")
        }
        guard isFolder.boolValue else { return [path] }
        let index = try VideoIndex(scanning: path)
        guard !index.files.isEmpty else {
            throw Fault(.usage, path, "holds no file whose ending is a video's", mend: "name the files themselves")
        }
        return index.files.map { index.root + "/" + $0.path }
    }

    private static func listed(_ path: String) throws(Fault) -> [String] {
        let text = String(
            decoding: path == "-" ? try standardInput() : try readWhole(path, limit: 1 << 30), as: UTF8.self)
        let paths = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
        guard !paths.isEmpty else { throw Fault(.usage, path, "lists no video", mend: "write a path a line") }
        return paths
    }

    private static func standardInput() throws(Fault) -> [UInt8] {
        do { return Array(try FileHandle.standardInput.readToEnd() ?? Data()) } catch {
            throw Fault(.data, "standard input", "cannot be read: \(error.localizedDescription)")
        }
    }

    private static func makeFolder(_ path: String) throws(Fault) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw Fault(
                .usage, path, "cannot be made a folder: \(error.localizedDescription)", mend: "name another --draw")
        }
    }

    /// Where the drawn video goes: its own name, with a number where two have the same.
    private static func target(_ path: String, in folder: String, _ taken: inout Set<String>) -> String {
        let file = path == "-" ? "stdin" : String(path.split(separator: "/").last ?? "video")
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        var name = stem
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(stem)-\(number)"
            number += 1
        }
        return "\(folder)/\(name).mp4"
    }
}
