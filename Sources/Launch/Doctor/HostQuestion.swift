public import Faults
import Foundation

/// What a doctor asks of a host: a line each on the standard input of `zoetrope examine-host`.
public enum HostQuestion: Codable, Sendable, Equatable {
    /// What its clock says.
    case clock
    /// What it is, has and sees.
    case facts(Facts)
    /// How fast it reaches another machine.
    case reach(Reach)
    /// Whether a coordinator can listen there; from then on the host is what others reach, until the conversation ends.
    case listen(Listen)

    public struct Facts: Codable, Sendable, Equatable {
        /// Where the coordinator listens: the way there decides by which address the others reach this host.
        public var coordinator: String
        /// `worker.data_bind`, or `worker.data_host`; empty: the address by which the host reaches the coordinator.
        public var listen: String
        /// The data set's folder, where one may be; empty: nobody knows of any.
        public var data: String
        /// Whether a worker there is told to read that folder, and so cannot do without.
        public var needsData: Bool
        /// Where pulled clips would lie; empty: in the user's cache folder.
        public var cache: String

        public init(coordinator: String, listen: String, data: String, needsData: Bool, cache: String) {
            self.coordinator = coordinator
            self.listen = listen
            self.data = data
            self.needsData = needsData
            self.cache = cache
        }
    }

    public struct Listen: Codable, Sendable, Equatable {
        /// `coordinator.address`, and `coordinator.dashboard`, which may be empty.
        public var address: String
        public var dashboard: String
        /// A coordinator's key files by their names; empty: no keys, so no encryption.
        public var keys: [String: String]

        public init(address: String, dashboard: String, keys: [String: String]) {
            self.address = address
            self.dashboard = dashboard
            self.keys = keys
        }
    }

    public struct Reach: Codable, Sendable, Equatable {
        /// Where a `NetworkBench.Receiver` listens.
        public var endpoint: String
        /// A worker's key files by their names; empty: no keys, so no encryption.
        public var keys: [String: String]
        /// Seconds of sending, each way.
        public var seconds: Double

        public init(endpoint: String, keys: [String: String], seconds: Double) {
            self.endpoint = endpoint
            self.keys = keys
            self.seconds = seconds
        }
    }
}

/// What a host answers, a line each on standard output.
public enum HostAnswer: Codable, Sendable, Equatable {
    /// Seconds since 1970.
    case clock(Double)
    case facts(HostFacts)
    case reach(HostReach)
    /// Where it listens, and what is in the way of a coordinator.
    case listening(endpoint: String, problems: [HostProblem])
    /// It could not do what it was asked for.
    case fault(HostProblem)
}

/// What a host is, has and sees.
public struct HostFacts: Codable, Sendable, Equatable {
    /// Names of the instruction sets of f32 that it runs, the widest last.
    public var instructionSets: [String]
    public var processors: Int
    /// Multiply-adds of f32 on all processors, 10^9 operations a second.
    public var gigaflops: Double
    /// Bytes that processes may still get.
    public var availableMemory: Int
    /// Bytes free where the data set is, or pulled clips would lie.
    public var freeDisk: Int
    /// SHA-256 of each split's manifest by the split's name; nil: no data set there, clips are pulled.
    public var manifests: [String: String]?
    /// What it found wrong with itself.
    public var problems: [HostProblem]

    public init(
        instructionSets: [String], processors: Int, gigaflops: Double, availableMemory: Int, freeDisk: Int,
        manifests: [String: String]?, problems: [HostProblem]
    ) {
        self.instructionSets = instructionSets
        self.processors = processors
        self.gigaflops = gigaflops
        self.availableMemory = availableMemory
        self.freeDisk = freeDisk
        self.manifests = manifests
        self.problems = problems
    }
}

/// How a host reaches another, over a connection that it makes.
public struct HostReach: Codable, Sendable, Equatable {
    /// To the other.
    public var bytesPerSecond: Double
    /// From the other.
    public var bytesPerSecondBack: Double
    /// From a message to its answer.
    public var roundTripSeconds: Double

    public init(bytesPerSecond: Double, bytesPerSecondBack: Double, roundTripSeconds: Double) {
        self.bytesPerSecond = bytesPerSecond
        self.bytesPerSecondBack = bytesPerSecondBack
        self.roundTripSeconds = roundTripSeconds
    }
}

/// A fault, or what a doctor says of a thing, as it goes over a line.
public struct HostProblem: Codable, Sendable, Equatable {
    public var thing: String
    public var reason: String
    public var mend: String

    public init(thing: String, reason: String, mend: String) {
        self.thing = thing
        self.reason = reason
        self.mend = mend
    }

    public init(_ fault: Fault) { self.init(thing: fault.thing, reason: fault.reason, mend: fault.mend) }
}

/// Lines of the conversation: a mark that no log and no shell's greeting begins with, and JSON.
enum HostLine {
    private static let mark = "\u{2}"
    /// What the far end says first, whatever else of the conversation changes between versions.
    private static let greeting = mark + "zoetrope "
    /// Bytes of a line: manifests' digests and keys are a few thousand.
    static let limit = 1 << 20

    static func greeting(version: String) -> String { greeting + version + "\n" }

    static func version(_ line: [UInt8]) -> String? {
        guard line.starts(with: greeting.utf8) else { return nil }
        return String(decoding: line.dropFirst(greeting.utf8.count), as: UTF8.self)
    }

    static func encoded(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        // A number that is none has no form in JSON; nobody here measures one.
        let json = (try? encoder.encode(value)).map(Array.init) ?? []
        return Array(mark.utf8) + json + [10]
    }

    /// Nil for what is no line of the conversation.
    static func decoded<Value: Decodable>(_ line: [UInt8], as type: Value.Type) -> Value? {
        guard line.starts(with: mark.utf8) else { return nil }
        return try? JSONDecoder().decode(type, from: Data(line.dropFirst(mark.utf8.count)))
    }
}
