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
    public var clipsPerStep: Int
    public var clipsPerUnit: Int
    public var stepsPerEpoch: Double
    public var version: String
    /// The run's folder.
    public var folder: String

    public struct Fact: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    public init(
        name: String, model: String, facts: [Fact], recipe: String, steps: Int, clipsPerStep: Int, clipsPerUnit: Int,
        stepsPerEpoch: Double, version: String, folder: String
    ) {
        self.name = name
        self.model = model
        self.facts = facts
        self.recipe = recipe
        self.steps = steps
        self.clipsPerStep = clipsPerStep
        self.clipsPerUnit = clipsPerUnit
        self.stepsPerEpoch = stepsPerEpoch
        self.version = version
        self.folder = folder
    }
}
