import Models
import TestSupport

/// What `scripts/record-networks.py` recorded of one network, in the format that it describes.
struct NetworkFixture: Sendable {
    /// Another clip of the same network.
    struct Clip: Sendable {
        var frames: Int
        var size: Int
        var options: NetworkOptions
        var macs: Int
        /// What reaches the final average, `CxTxHxW`; VMZ's only.
        var map: String?
        /// Values that batch norms see.
        var normed: Int?
    }

    var name: String
    var frames: Int
    var size: Int
    var options = NetworkOptions()
    var parameters = 0
    var weights = 0
    var macs = 0
    /// Scales that start with 0.
    var zeros: Set<String> = []
    var shapes: [String: [Int]] = [:]
    var clips: [Clip] = []

    static let all: [NetworkFixture] = ["vmz", "torchvision", "slowfast", "pytorchvideo"].flatMap { origin in
        do {
            return try read(text(of: "\(sourceTree)/Tests/Models/Fixtures/\(origin).txt"))
        } catch {
            preconditionFailure("\(origin).txt: \(error)")
        }
    }

    static func read(_ text: String) -> [NetworkFixture] {
        var fixtures: [NetworkFixture] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "network" {
                let (frames, size) = clip(words[2])
                fixtures.append(
                    NetworkFixture(name: words[1], frames: frames, size: size, options: options(words.dropFirst(3))))
                continue
            }
            precondition(!fixtures.isEmpty, "a line before the first network: \(line)")
            fixtures[fixtures.count - 1].read(words)
        }
        return fixtures
    }

    private mutating func read(_ words: [String]) {
        let values = Self.pairs(words)
        if words[0] == "clip" {
            let (frames, size) = Self.clip(words[1])
            clips.append(
                Clip(
                    frames: frames, size: size, options: Self.options(words.dropFirst(2)),
                    macs: Self.number(values["macs"]), map: values["map"], normed: values["normed"].map(Self.number)))
        } else if words[0].hasPrefix("parameters=") {
            (parameters, weights) = (Self.number(values["parameters"]), Self.number(values["weights"]))
            macs = Self.number(values["macs"])
        } else if words[0].hasPrefix("zero=") {
            zeros = Set(([String(words[0].dropFirst(5))] + words.dropFirst()).flatMap(Self.unfolded))
        } else {
            for name in Self.unfolded(words[0]) {
                shapes[name] = words[1].split(separator: "x").map { Self.number(String($0)) }
            }
        }
    }

    /// `a_[0-1,3]_{s,b}` stands for a_0_s, a_0_b, a_1_s and so on.
    static func unfolded(_ folded: String) -> [String] {
        for (open, close) in [("[", "]"), ("{", "}")] as [(Character, Character)] {
            guard let first = folded.firstIndex(of: open), let last = folded.firstIndex(of: close) else { continue }
            let parts = folded[folded.index(after: first)..<last].split(separator: ",").map(String.init)
            let values = open == "{" ? parts : parts.flatMap(range)
            return values.flatMap { unfolded(folded[..<first] + $0 + folded[folded.index(after: last)...]) }
        }
        return [folded]
    }

    private static func range(_ text: String) -> [String] {
        let ends = text.split(separator: "-").map { number(String($0)) }
        return (ends[0]...ends[ends.count - 1]).map(String.init)
    }

    private static func clip(_ text: String) -> (frames: Int, size: Int) {
        let numbers = text.split(separator: "x").map { number(String($0)) }
        return (numbers[0], numbers[1])
    }

    private static func options(_ words: ArraySlice<String>) -> NetworkOptions {
        var options = NetworkOptions()
        for (key, value) in pairs(Array(words)) {
            switch key {
            case "channel_multiplier": options.channelMultiplier = real(value)
            case "bottleneck_multiplier": options.bottleneckMultiplier = real(value)
            case "pool1": options.pool1 = value == "true"
            case "conv1_temporal_stride": options.conv1TemporalStride = number(value)
            case "conv1_temporal_kernel": options.conv1TemporalKernel = number(value)
            case "dropout": options.dropout = real(value)
            case "convolutional_head": options.head = value == "true" ? .convolutional : .linear
            case "macs", "map", "normed": continue
            default: preconditionFailure("no option \(key)")
            }
        }
        return options
    }

    private static func pairs(_ words: [String]) -> [String: String] {
        var pairs: [String: String] = [:]
        for word in words {
            let parts = word.split(separator: "=").map(String.init)
            if parts.count == 2 { pairs[parts[0]] = parts[1] }
        }
        return pairs
    }

    private static func number(_ text: String?) -> Int {
        guard let number = text.flatMap({ Int($0) }) else { preconditionFailure("\(text ?? "nothing") is no number") }
        return number
    }

    private static func real(_ text: String) -> Double {
        guard let number = Double(text) else { preconditionFailure("\(text) is no number") }
        return number
    }
}
