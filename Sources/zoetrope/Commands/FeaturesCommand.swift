import ArgumentParser
import Clips
import Curation
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Prediction
import Protocol
import Reporting
import Storage
import Training
import Worker

/// `zoetrope features`.
struct Features: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features", abstract: "Write what layers of a network make of clips, as safetensors or npy.",
        discussion: """
            Any layer that `zoetrope model info --layers` lists, and `softmax` for the scores. A row is a clip, or with \
            --per video the mean over a video's clips; rows are keyed by video and first frame.

              zoetrope features --checkpoint runs/k400 --data k400 --split val --layer final_avg --out val.safetensors
              zoetrope features --checkpoint runs/k400 --videos clips/ --every 16 --layer final_avg --format npy --out f/
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case safetensors, npy }
    enum Row: String, CaseIterable, ExpressibleByArgument { case clip, video }

    @OptionGroup var source: NetworkSource
    @Option(name: .customLong("layer"), help: "A layer's name; may be repeated.")
    var layers: [String]
    @Option(help: "A packed data set's folder.")
    var data: String?
    @Option(help: "Which split of it: train, val or test.")
    var split = "val"
    @Option(parsing: .upToNextOption, help: "Video files and folders of them, in place of --data.")
    var videos: [String] = []
    @Option(help: "Clips of each video, spread over it.")
    var clips = 1
    @Option(help: "Slide over the video instead: a clip every so many frames.")
    var every: Int?
    @Flag(help: "One clip of each entry, from the start frame of its list.")
    var listed = false
    @Option(help: "What a row is: clip or video.")
    var per = Row.clip
    @Flag(help: "The mean of each channel over all places in place of the whole map.")
    var pool = false
    @Option(help: "safetensors (one file) or npy (a folder).")
    var format = Format.safetensors
    @Option(help: "The file or folder to be made.")
    var out: String

    func validate() throws {
        guard (data == nil) != videos.isEmpty else { throw ValidationError("name either --data or --videos") }
        guard !layers.isEmpty else { throw ValidationError("name a --layer") }
        guard (1...1000).contains(clips) else { throw ValidationError("--clips \(clips): choose 1 to 1000") }
        guard [every != nil, listed, clips > 1].count(where: { $0 }) < 2 else {
            throw ValidationError("--clips, --every and --listed exclude each other")
        }
        if listed, data == nil { throw ValidationError("--listed: only a data set has a list; name --data") }
        if let every, !(1...1_000_000).contains(every) { throw ValidationError("--every \(every): choose 1 or more") }
    }

    func run() throws {
        let tested = try source.open()
        let pool = source.pool()
        let views = try views(tested)
        guard case .crops(_, let size) = views.region else { throw Fault(.internal, "test.region", "is no crop") }
        let network = try tested.recipe.testNetwork(classes: tested.classes, height: size, width: size)
        // The scores are no layer's tensor: the logits' softmax, which every run makes.
        let named = try layers.map { (name) throws(Fault) in name == "softmax" ? nil : try network.layer(named: name) }
        let runner = tested.runner(
            views,
            viewsAtOnce: try tested.viewsAtOnce(views, views: every == nil ? clips : nil, pool: pool), pool: pool,
            layers: named.compactMap { $0 })
        let columns = zip(layers, named).map { name, layer in
            FeatureTable.Column(
                name: name, shape: layer.map { Self.shape(network.layers[$0].map, self.pool) } ?? [network.classes])
        }
        let items = try data.map(packed) ?? loose()
        let table = try FeatureTable(out, format == .npy ? .npy : .safetensors, columns: columns)
        let clock = MonotonicClock()
        var bar = ProgressBar("features", total: items.count, now: clock.now)
        var failed: [String] = []
        for (number, item) in items.enumerated() {
            if let problem = try extract(item, runner, named, columns, into: table) {
                failed.append(item.name)
                standardError("zoetrope: \(item.name): \(problem.reason)\n")
            }
            bar.update(number + 1, "", now: clock.now)
        }
        guard table.rows > 0 else {
            throw Fault(
                .data, "\(items.count) videos", "none of them gives a clip: see above", mend: "check the videos")
        }
        try table.finish()
        print(
            "\(table.rows) rows of \(columns.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")) in \(out)"
                + (failed.isEmpty ? "" : "; \(failed.count) videos left out: \(failed.joined(separator: ", "))"))
        guard failed.isEmpty else {
            throw Fault(
                .data, "\(failed.count) of \(items.count) videos", "gave no features: see above",
                mend: "`zoetrope data check` says more about them")
        }
    }

    /// One square out of the middle of each clip: so that every row has the same shape.
    private func views(_ tested: TestedNetwork) throws(Fault) -> ViewSettings {
        let settings = tested.settings
        let spread =
            listed ? settings.listed : every.map { settings.sliding(stride: $0) } ?? settings.spread(clips: clips)
        switch settings.region {
        case .crops(_, let size): return try spread.middle(size: size)
        case .frame: return try spread.middle(size: tested.recipe.input.crop)
        }
    }

    /// Adds a video's rows, in the order of its clips, or none.
    /// - Returns: why there are none.
    private func extract(
        _ item: ViewedVideo, _ runner: ViewRunner, _ named: [Int?], _ columns: [FeatureTable.Column],
        into table: FeatureTable
    ) throws -> Fault? {
        var plan: VideoPlan?
        // Views come when their last frame is decoded; rows stand in the order of the plan.
        var waiting: [Int: [[Float]]] = [:]
        var next = 0
        var sums = columns.map { [Double](repeating: 0, count: $0.shape.reduce(1, *)) }
        func take(_ rows: [[Float]], of view: Int) throws {
            guard per == .video else {
                return try Self.append(rows, start: plan?.views[view].frames[0] ?? -1, of: item, to: table)
            }
            for (i, row) in rows.enumerated() { for (j, value) in row.enumerated() { sums[i][j] += Double(value) } }
        }
        table.begin(video: item.name)
        let problem = try runner.run(item) { found, _ in
            plan = found
        } _: { outcome in
            var kept = outcome.activations[...]
            waiting[outcome.number] = zip(named, columns).map { layer, column in
                guard layer != nil, let values = kept.popFirst() else { return outcome.scores.map(Float.init) }
                return pool ? Self.pooled(values, C: column.shape[0]) : Array(values)
            }
            while let rows = waiting.removeValue(forKey: next) {
                try take(rows, of: next)
                next += 1
            }
        }
        if let problem {
            try table.dropVideo()
            return problem
        }
        guard per == .video else { return nil }
        try Self.append(sums.map { $0.map { Float($0 / Double(next)) } }, start: -1, of: item, to: table)
        return nil
    }

    private static func append(
        _ rows: [[Float]], start: Int, of item: ViewedVideo, to table: FeatureTable
    ) throws(Fault) {
        // One piece of memory for the row: pointers into several arrays cannot be held at once.
        let all = rows.flatMap { $0 }
        var failure: Fault?
        all.withUnsafeBufferPointer { base in
            var offset = 0
            let values = rows.map { row in
                defer { offset += row.count }
                return base.extracting(offset..<offset + row.count)
            }
            do throws(Fault) {
                try table.append(start: start, label: item.label, videoID: item.videoID, values: values)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// The shape of one row: C where there is one place, else T H W C.
    private static func shape(_ map: FeatureMap, _ pool: Bool) -> [Int] {
        map.positions == 1 || pool ? [map.C] : [map.extent.t, map.extent.h, map.extent.w, map.C]
    }

    /// The mean of each channel, summed in f64 in the order of the places.
    private static func pooled(_ values: UnsafeBufferPointer<Float>, C: Int) -> [Float] {
        var sums = [Double](repeating: 0, count: C)
        for (i, value) in values.enumerated() { sums[i % C] += Double(value) }
        let places = Double(values.count / C)
        return sums.map { Float($0 / places) }
    }

    private func packed(_ directory: String) throws -> [ViewedVideo] {
        let set = try PackedSet(directory: directory, split: split)
        return set.records.indices.map { ViewedVideo(set, rank: $0) }
    }

    private func loose() throws -> [ViewedVideo] {
        try videos.flatMap { (path) throws(Fault) in try Predict.files(path) }.map { path in
            ViewedVideo(name: path) { try readWhole(path, limit: 16 << 30) }
        }
    }
}
