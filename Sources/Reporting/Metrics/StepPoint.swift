/// What is plotted of a step that counts.
public struct StepPoint: Sendable, Equatable {
    public var step: Int
    public var loss: Double
    /// Clips that were told right, 0 to 1.
    public var accuracy: Double
    public var learningRate: Double
    /// Infinite or NaN where the step was skipped for it.
    public var gradientNorm: Double
    public var clips: Int
    /// From the first lease to the last chunk ready.
    public var seconds: Double
    /// Its gradient was not finite: it changed nothing.
    public var isSkipped: Bool

    public init(
        step: Int, loss: Double, accuracy: Double, learningRate: Double, gradientNorm: Double, clips: Int,
        seconds: Double, isSkipped: Bool = false
    ) {
        self.step = step
        self.loss = loss
        self.accuracy = accuracy
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.clips = clips
        self.seconds = seconds
        self.isSkipped = isSkipped
    }

    public var clipsPerSecond: Double { seconds > 0 ? Double(clips) / seconds : 0 }

    /// A line of `metrics.jsonl`.
    /// - Returns: nil for a line that is none: torn off by a crash, or somebody's own.
    public init?(line: some Sequence<UInt8>) {
        let members = FlatJSON(line).members
        guard let step = members["step"].flatMap(Int.init), step >= 0, let loss = members["loss"] else { return nil }
        // JSON has null for what is not finite.
        func number(_ name: String) -> Double { members[name].flatMap(Double.init) ?? .nan }
        self.init(
            step: step, loss: Double(loss) ?? .nan, accuracy: number("accuracy"), learningRate: number("learning_rate"),
            gradientNorm: number("gradient_norm"), clips: members["clips"].flatMap(Int.init) ?? 0,
            seconds: members["seconds"].flatMap(Double.init) ?? 0, isSkipped: members["skipped"] == "true")
    }
}

/// The numbers, `true`, `false` and `null` of an object without objects in it, as they stand there. Texts are passed over.
struct FlatJSON {
    let members: [String: String]

    init(_ line: some Sequence<UInt8>) {
        var members: [String: String] = [:]
        var name: [UInt8] = []
        var value: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        var isValue = false
        for byte in line {
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isQuoted = false
                } else if !isValue {
                    name.append(byte)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isQuoted = true
                if !isValue { name = [] }
            case UInt8(ascii: ":"):
                isValue = true
                value = []
            case UInt8(ascii: ","), UInt8(ascii: "}"):
                if isValue, !value.isEmpty {
                    members[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                }
                isValue = false
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            default: if isValue { value.append(byte) }
            }
        }
        self.members = members
    }
}
