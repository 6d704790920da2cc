public import Configuration
public import Faults

/// What a configuration of PySlowFast asks for, in our words.
///
/// A pure translation: of the file's text and the options alone. Every key is honoured, of no matter with a reason, or
/// refused (`SlowFastKey`); nothing is passed over in silence, and all that is refused is told at once.
public struct SlowFastTranslation: Sendable {
    /// The lists of videos: `train.csv`, `val.csv` and `test.csv` in `directory`.
    public struct Lists: Sendable, Equatable {
        public let directory: String
        /// Between a path and its label.
        public let separator: String
        /// Before every path; empty for none.
        public let prefix: String

        /// The list of a split.
        public func path(_ split: String) -> String { "\(directory)/\(split).csv" }
    }

    /// A recipe; each value has the line, the option or the default that it comes from.
    public let recipe: Document
    public let trains: Bool
    public let tests: Bool
    public let lists: Lists
    /// `OUTPUT_DIR`: the folder of the run.
    public let run: String
    /// `TRAIN.CHECKPOINT_FILE_PATH`, where training begins; empty: from the seed.
    public let initialWeights: String
    /// `TEST.CHECKPOINT_FILE_PATH`; empty: the run's newest, else the one above.
    public let testedWeights: String
    /// Epochs from one checkpoint to the next.
    public let checkpointEpochs: Int
    /// Training clips over which the statistics of batch norms are computed anew before what was trained is tested; 0: they
    /// stay moving averages.
    public let preciseClips: Int
    /// Keys that were written and are of no matter, in alphabetical order.
    public let immaterial: [String]

    /// - Parameters:
    ///   - text: The YAML file, called `name`.
    ///   - options: Keys and values in turn, as `--opts` takes them.
    ///   - shards: `--num_shards`, which wins over the file as it does there.
    /// - Throws: `Fault.usage` that lists what cannot be followed, each with file and line.
    public init(text: String, name: String, options: [String] = [], shards: Int = 1) throws(Fault) {
        var builder = SlowFastRecipe(
            try SlowFastSettings(text: text, name: name, options: options), shards: shards)
        builder.translate()
        let settings = builder.settings
        try settings.refusals.check(name)
        recipe = builder.recipe
        trains = settings.value("TRAIN.ENABLE") == .boolean(true)
        tests = settings.value("TEST.ENABLE") == .boolean(true)
        lists = Lists(
            directory: settings.text("DATA.PATH_TO_DATA_DIR"), separator: settings.text("DATA.PATH_LABEL_SEPARATOR"),
            prefix: settings.text("DATA.PATH_PREFIX"))
        run = settings.text("OUTPUT_DIR")
        initialWeights = settings.text("TRAIN.CHECKPOINT_FILE_PATH")
        testedWeights = settings.text("TEST.CHECKPOINT_FILE_PATH")
        checkpointEpochs = builder.checkpointEpochs
        preciseClips = builder.preciseClips
        immaterial = settings.entries.keys.filter { key in
            if case .immaterial? = SlowFastKey.byName[key]?.treatment { true } else { false }
        }.sorted()
    }
}

extension SlowFastSettings {
    /// A string that was read before.
    fileprivate func text(_ key: String) -> String { if case .string(let text) = value(key) { text } else { "" } }
}
