import ArgumentParser
import Clips
import Curation
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
            A video's scores are the mean softmax over clips spread uniformly over it, cut out of the middle. With --every, \
            a window slides over it instead, and neighbouring clips with the same best class make a segment of the timeline.

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
        let opened = try source.open()
        let settings = try opened.recipe.clipSettings()
        let starts: ClipStarts = every.map { .sliding(every: $0) } ?? .uniform(clips ?? opened.recipe.test.clips)
        let runner = try VideoRunner(
            try opened.pass(N: every == nil ? min(clips ?? opened.recipe.test.clips, 10) : 4), settings)
        let names = try source.classNames(classes, count: opened.network.classes)
        if names.isEmpty { standardError("zoetrope: nothing tells the classes' names; --classes does\n") }
        let paths = try videos.flatMap { (path) throws(Fault) in try Self.files(path) } + (list.map(Self.listed) ?? [])
        if let draw { try Self.makeFolder(draw) }
        if format == .csv { print(VideoPrediction.csvHeader, terminator: "") }

        var failures = 0
        var drawn: Set<String> = []
        for path in paths {
            let (prediction, lines) = predict(path, runner, starts, names, &drawn)
            if case .failure(let failure) = prediction.outcome {
                failures += 1
                standardError("zoetrope: \(path): \(failure.reason)\n")
            }
            switch format {
            case .text: if lines { print(prediction.text, terminator: "") }
            case .json: print(prediction.json.text)
            case .csv: print(prediction.csv, terminator: "")
            }
            fflush(nil)
        }
        guard failures == 0 else {
            throw Fault(
                .data, "\(failures) of \(paths.count) videos", "cannot be predicted: see above",
                mend: "`zoetrope data check` says more about them")
        }
    }

    /// What one video shows; a bad one costs no other.
    /// - Returns: also whether there is something to print for people.
    private func predict(
        _ path: String, _ runner: VideoRunner, _ starts: ClipStarts, _ names: [String], _ drawn: inout Set<String>
    ) -> (VideoPrediction, Bool) {
        let name = path == "-" ? "standard input" : path
        do {
            let bytes = path == "-" ? try Self.standardInput() : try readWhole(path, limit: 16 << 30)
            return try bytes.withUnsafeBytes { raw in
                let video = try VideoClips(raw, name: name, runner.settings)
                let span = runner.settings.sourceFrames
                let places = starts.starts(frames: video.frameCount, span: span)
                var mean = [Double](repeating: 0, count: runner.network.classes)
                var rows: [[Double]] = []
                try runner.run(video, name: name, starts: places) { outcome in
                    for (k, score) in outcome.scores.enumerated() { mean[k] += score / Double(places.count) }
                    if every != nil || draw != nil { rows.append(outcome.scores) }
                }
                let timeline =
                    rows.isEmpty || every == nil
                    ? nil : Timeline(starts: places, span: span, frames: video.frameCount, scores: rows)
                let prediction = VideoPrediction(
                    video: name, classNames: names,
                    outcome: .success(
                        .init(
                            frames: video.frameCount, frameTimes: video.frameTimes, clips: places.count,
                            top: TopClasses(mean, count: top).entries, timeline: timeline)))
                if let draw {
                    let target = Self.target(path, in: draw, &drawn)
                    // With a sliding window each frame shows the clip whose middle is nearest.
                    let captions = every == nil ? [mean] : rows
                    let made = try AnnotatedVideo.make(raw, name: name) { frame in
                        let nearest = every == nil ? 0 : Self.nearest(to: frame, places, span)
                        return TopClasses(captions[nearest], count: min(top, 5)).entries.map {
                            .init(
                                text: "\(hundredths(100 * $0.score)) % \(prediction.name(of: $0.label))",
                                score: $0.score)
                        }
                    }
                    try writeWhole(made, to: target)
                }
                return (prediction, true)
            }
        } catch {
            let reason = (error as? Fault).map { $0.reason + ($0.mend.isEmpty ? "" : "; \($0.mend)") } ?? "\(error)"
            return (VideoPrediction(video: name, classNames: names, outcome: .failure(.init(reason: reason))), false)
        }
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
