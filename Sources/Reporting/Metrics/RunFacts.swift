/// What a run is, from its start to its end.
public struct RunFacts: Sendable, Equatable {
    /// For people: the name of its folder.
    public var name: String
    public var model: String
    /// Names and values, in the order in which they are shown.
    public var facts: [Fact]
    /// The resolved recipe, TOML.
    public var recipe: String
    public var steps: Int
    /// Of whole clips.
    public var clipsPerStep: Int
    /// Gradient units of a step.
    public var units: Int
    /// Points of the line from step 0, epoch 0, to the last step: what epoch a step is.
    public var epochs: [EpochMark]
    public var version: String
    /// The run's folder.
    public var folder: String

    public struct Fact: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    public struct EpochMark: Sendable, Equatable {
        public var step: Int
        public var epoch: Double

        public init(step: Int, epoch: Double) { (self.step, self.epoch) = (step, epoch) }
    }

    public init(
        name: String, model: String, facts: [Fact], recipe: String, steps: Int, clipsPerStep: Int, units: Int,
        epochs: [EpochMark], version: String, folder: String
    ) {
        self.name = name
        self.model = model
        self.facts = facts
        self.recipe = recipe
        self.steps = steps
        self.clipsPerStep = clipsPerStep
        self.units = units
        self.epochs = epochs
        self.version = version
        self.folder = folder
    }

    /// Passes over the data set before `step`; nil where nobody knows.
    public func epoch(ofStep step: Int) -> Double? {
        var from = EpochMark(step: 0, epoch: 0)
        for mark in epochs {
            if step <= mark.step, mark.step > from.step {
                let share = Double(step - from.step) / Double(mark.step - from.step)
                return from.epoch + (mark.epoch - from.epoch) * share
            }
            from = mark
        }
        return epochs.last?.epoch
    }
}
