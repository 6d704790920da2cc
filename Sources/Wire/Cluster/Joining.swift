/// A worker introduces itself: the first message on its link to a coordinator.
public struct Hello: Hashable, Sendable {
    /// The protocol's version; `Hello.protocolVersion` of the sender.
    public var version: Int
    /// For people: what `status` shows and `drain` takes. Need not be unique.
    public var name: String
    public var host: String
    public var process: Int
    public var threads: Int
    /// Where the worker's shard listens, as the other workers reach it: `tcp://host:port`.
    public var endpoint: String
    /// The product's version, for people.
    public var product: String
    /// Where it serves `/metrics`: `host:port`; empty: nowhere.
    public var metrics: String

    public static let protocolVersion = 4

    public init(
        version: Int = Hello.protocolVersion, name: String, host: String, process: Int, threads: Int, endpoint: String,
        product: String, metrics: String = ""
    ) {
        self.version = version
        self.name = name
        self.host = host
        self.process = process
        self.threads = threads
        self.endpoint = endpoint
        self.product = product
        self.metrics = metrics
    }
}

extension Hello {
    /// The machine, for people and to tell machines apart: copies of one image often have the same host name, so its address
    /// stands behind it, but for loopback's.
    public var machine: String {
        let rest = endpoint.hasPrefix("tcp://") ? endpoint.dropFirst(6) : endpoint[...]
        let address = rest.lastIndex(of: ":").map { rest[..<$0] } ?? rest
        return address == host || address.hasPrefix("127.") || address == "[::1]" ? host : "\(host) (\(address))"
    }
}

/// The coordinator takes the worker in, and says what is being trained. The worker builds it and answers `ready`.
public struct Welcome: Hashable, Sendable {
    public var generation: UInt64
    /// The run's own number: of what a worker has for one, it keeps nothing for another.
    public var run: UInt64
    /// The resolved recipe, TOML.
    public var recipe: String
    /// Where the data set lies, as the coordinator sees it; a worker with a `--data` of its own uses that.
    public var data: String
    /// The instruction set that the run was begun with (`numerics.isa`).
    public var instructionSet: String
    /// The text of `dataset.toml`: for workers that have no data set, which pull it.
    public var dataSet: String
    /// Bytes of the manifest whose digest stands there.
    public var manifestBytes: Int

    public init(
        generation: UInt64, run: UInt64, recipe: String, data: String, instructionSet: String, dataSet: String = "",
        manifestBytes: Int = 0
    ) {
        self.dataSet = dataSet
        self.manifestBytes = manifestBytes
        self.generation = generation
        self.run = run
        self.recipe = recipe
        self.data = data
        self.instructionSet = instructionSet
    }
}

/// The worker has built the network and opened the data set: it proves that it would compute the same bits.
public struct Ready: Hashable, Sendable {
    /// What must agree, by name: `numerics`, `data`, `recipe`, `plan`, `versions`. Both values are printed if one differs.
    public var fingerprints: [Fingerprint]
    /// The version of the state that the worker's shard still holds from an earlier generation of the same run.
    public var heldVersion: Int
    /// The chunks it holds at that version; empty when it has just started.
    public var heldChunks: [Int]
    /// Blocks of the step after that version that it has computed and will push again.
    public var keptBlocks: [KeptBlock]
    /// Its copy of the ledger's end, in order of steps.
    public var ledgerTail: [LedgerRecord]

    public init(
        fingerprints: [Fingerprint], heldVersion: Int = 0, heldChunks: [Int] = [], keptBlocks: [KeptBlock] = [],
        ledgerTail: [LedgerRecord] = []
    ) {
        self.keptBlocks = keptBlocks
        self.ledgerTail = ledgerTail
        self.fingerprints = fingerprints
        self.heldVersion = heldVersion
        self.heldChunks = heldChunks
    }
}

/// A value on which workers must agree, printable.
public struct Fingerprint: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
