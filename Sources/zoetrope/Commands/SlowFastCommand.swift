import ArgumentParser
import Clips
import Compatibility
import Configuration
import Faults
import Foundation
import Reporting
import Storage
import Training

/// `zoetrope slowfast`: what PySlowFast's `tools/run_net.py` does with one of its configurations.
struct SlowFast: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slowfast",
        abstract: "Train and test as a configuration of PySlowFast says: the flags of its tools/run_net.py.",
        discussion: """
            A key that cannot be followed is refused by name, all of them at once; docs/from-slowfast.md has every key. \
            The lists DATA.PATH_TO_DATA_DIR/train.csv, val.csv and test.csv name loose videos, which are packed once into \
            a cache beside them. Overrides may stand behind --opts or without it; options of our own come before them.
            """)
    @Option(name: .customLong("cfg"), help: "The configuration, a YAML file of PySlowFast.")
    var configuration: String?
    @Option(name: .customLong("opts"), parsing: .remaining, help: "Keys and values in turn, stronger than the file.")
    var options: [String] = []
    @Argument(help: "The same without --opts.")
    var overrides: [String] = []
    @Option(name: .customLong("num_shards"), help: "Machines of the run there: so many times the units of a step.")
    var shards = 1
    @Option(name: .customLong("shard_id"), help: "Only 0: one command starts the run, other machines join it.")
    var shard = 0
    @Option(name: .customLong("init_method"), help: "Of no matter: --listen says where others join.")
    var initMethod: String?
    @Option(help: "Where packed videos go; without it, the folder zoetrope-cache beside the lists.")
    var cache: String?
    @Flag(help: "Print the recipe that the configuration is and do nothing.")
    var printRecipe = false
    @Flag(help: "Print every key and what becomes of it, the table of docs/from-slowfast.md, and do nothing.")
    var printKeys = false
    @OptionGroup var processes: TranslatedProcesses
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard (1...4096).contains(shards) else { throw ValidationError("--num_shards \(shards): choose 1 to 4096") }
        guard shard == 0 else {
            throw ValidationError(
                "--shard_id \(shard): one command starts the run; the other machines join it with 'zoetrope worker'")
        }
    }

    func run() throws {
        if printKeys { return print(SlowFastKey.markdown, terminator: "") }
        guard let configuration else { throw ValidationError("--cfg is missing: name a configuration of PySlowFast") }
        guard pathExists(configuration) else {
            throw Fault(.usage, configuration, "there is no such configuration", mend: "name a YAML file of PySlowFast")
        }
        let text = String(decoding: try readWhole(configuration, limit: 1 << 20), as: UTF8.self)
        let translation = try SlowFastTranslation(
            text: text, name: configuration, options: overrides + options, shards: shards)
        if printRecipe { return print(try Recipe.read(translation.recipe).toml, terminator: "") }
        if !translation.immaterial.isEmpty {
            standardError(
                "zoetrope: of no matter here, for reasons in docs/from-slowfast.md: "
                    + translation.immaterial.joined(separator: ", ") + "\n")
        }
        let run = try expanded(translation.run)
        let recipe = run + "/" + stem(configuration) + ".toml"
        try makeDirectories(run)
        try writeWhole(try Recipe.read(translation.recipe).toml, to: recipe)
        standardError("zoetrope: the recipe is in \(recipe)\n")
        if translation.trains { try train(translation, recipe: recipe, run: run) }
        if translation.tests { try test(translation, recipe: recipe, run: run) }
    }

    private func train(_ translation: SlowFastTranslation, recipe: String, run: String) throws {
        let videos = try loose(translation, splits: ["train", "val"])
        try checkRates(of: videos, translation)
        var assignments = [
            "checkpoint.every_steps=\(try everySteps(translation, clips: videos.clips["train"] ?? 1))"
        ]
        if !translation.initialWeights.isEmpty {
            assignments += try processes.beginning(
                from: try expanded(translation.initialWeights), of: try Recipe.read(translation.recipe).recipe)
        }
        try processes.train(
            recipe: recipe, assignments: assignments, data: videos.directory, run: run,
            isJSON: result.json && !translation.tests)
        guard translation.tests, translation.testedWeights.isEmpty, translation.preciseClips > 0 else { return }
        try processes.precise(
            recipe: recipe, run: run, data: videos.directory, clips: translation.preciseClips, out: precise(run))
    }

    /// The newest checkpoint with statistics of batch norms computed anew.
    private func precise(_ run: String) -> String { run + "/precise.safetensors" }

    private func test(_ translation: SlowFastTranslation, recipe: String, run: String) throws {
        let checkpoint = try tested(translation, run: run)
        let videos = try loose(translation, splits: ["test"])
        try processes.test(
            recipe: recipe, checkpoint: checkpoint, data: videos.directory, split: "test", isJSON: result.json)
        if videos.leftOut > 0 {
            standardError(
                "zoetrope: \(videos.leftOut) listed videos are not in these figures: they are missing or do not open\n")
        }
    }

    /// PySlowFast's order, but for its last resort: random weights.
    private func tested(_ translation: SlowFastTranslation, run: String) throws(Fault) -> String {
        if !translation.testedWeights.isEmpty { return try expanded(translation.testedWeights) }
        if translation.trains, translation.preciseClips > 0 { return precise(run) }
        if pathExists(run + "/checkpoints") { return run }
        if !translation.initialWeights.isEmpty { return try expanded(translation.initialWeights) }
        throw Fault(
            .usage, "TEST.CHECKPOINT_FILE_PATH",
            "is empty, and OUTPUT_DIR, \(run), holds no run: there is nothing to test",
            mend: "name a checkpoint; PySlowFast would test random weights")
    }

    private func loose(_ translation: SlowFastTranslation, splits: [String]) throws -> LooseVideos {
        let lists = translation.lists
        guard !lists.directory.isEmpty else {
            throw Fault(.usage, "DATA.PATH_TO_DATA_DIR", "is empty", mend: "name the folder of \(splits[0]).csv")
        }
        let classes = try Recipe.read(translation.recipe).recipe.model.classes
        let folder = try expanded(lists.directory)
        return try LooseVideos(
            splits.map { split throws(Fault) in
                (
                    split,
                    try ClipList(
                        slowFast: "\(folder)/\(split).csv", separator: lists.separator, prefix: lists.prefix,
                        classes: classes)
                )
            }, classes: classes, cache: try expanded(cache ?? "\(folder)/zoetrope-cache"))
    }

    /// PySlowFast's clips last as long as `DATA.TARGET_FPS` says; those of training here count frames of the video.
    private func checkRates(of videos: LooseVideos, _ translation: SlowFastTranslation) throws {
        let target = try Recipe.read(translation.recipe).recipe.test.targetRate
        let summary = try DataSetSummary(directory: videos.directory, opening: 200)
        guard let train = summary.splits.first(where: { $0.name == "train" }) else { return }
        // 29.97 is 30; a container that does not say has the rate 0.
        let others = train.rates.filter { abs(Double($0.key) / 100 / target - 1) > 0.01 }
        guard !others.isEmpty else { return }
        let told = others.sorted { $0.value > $1.value }.prefix(3).map { "\($0.value) of \(Double($0.key) / 100)" }
        throw Fault(
            .data, "DATA.TARGET_FPS",
            "is \(target), and of \(train.opened) training videos that were opened \(told.joined(separator: ", ")) frames a "
                + "second: their clips would last otherwise than PySlowFast's",
            mend:
                "set DATA.TARGET_FPS to theirs; or write them anew with 'zoetrope data pack --profile fast' and train the "
                + "recipe of --print-recipe on that (docs/from-slowfast.md)"
        )
    }

    /// Steps of `TRAIN.CHECKPOINT_PERIOD` epochs; with multigrid, of as many of the steps that draw the most clips.
    private func everySteps(_ translation: SlowFastTranslation, clips: Int) throws(Fault) -> Int {
        let recipe = try Recipe.read(translation.recipe).recipe
        let most = recipe.batch.units * recipe.stepSchedule(dataSetClips: clips).mostClipsPerUnit
        return max(1, (translation.checkpointEpochs * recipe.clipsPerEpoch(dataSetClips: clips)) / most)
    }
}

/// The file's name without its folder and ending.
private func stem(_ path: String) -> String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }

/// An absolute path without `//` and a slash at its end; a tilde at its beginning, which a configuration's file may have,
/// is the home folder.
func expanded(_ path: String) throws(Fault) -> String {
    var path = path
    if path == "~" || path.hasPrefix("~/") {
        guard let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty else {
            throw Fault(.usage, path, "there is no home folder", mend: "write the whole path")
        }
        path = home + path.dropFirst()
    }
    return URL(fileURLWithPath: try absolute(path)).standardizedFileURL.path
}
