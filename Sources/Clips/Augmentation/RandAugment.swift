public import Faults
import Randomness

/// RandAugment in timm's notation, `rand-m7-n4-mstd0.5-inc1`: n operations, drawn one by one from fifteen, each done with
/// probability ½ at a magnitude of m of 10, plus a normal deviate times mstd.
///
/// Source: Cubuk et al., "RandAugment" (NeurIPS 2020), as PySlowFast applies it to clips, with these differences: it works on
/// the crop in its final size, and shifted pixels are interpolated linearly.
public struct RandAugment: Sendable, Equatable {
    /// 0 to 10.
    public let magnitude: Double
    /// 1 to 15.
    public let operations: Int
    /// Deviation of the magnitude.
    public let deviation: Double
    /// Posterising, solarising and enhancing get stronger with the magnitude.
    public let increases: Bool

    /// - Throws: a usage `Fault` for what is no such text.
    public init(_ text: String) throws(Fault) {
        var (magnitude, operations, deviation, increases) = (10.0, 2, 0.0, false)
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        func wrong(_ reason: String) -> Fault {
            Fault(
                .usage, "augment.rand_augment", "'\(text)': \(reason)",
                mend: "write for example rand-m7-n4-mstd0.5-inc1")
        }
        guard parts.first == "rand" else { throw wrong("does not begin with 'rand'") }
        for part in parts.dropFirst() {
            let name = part.prefix { $0.isLetter }
            guard let value = Double(part.dropFirst(name.count)), value.isFinite else {
                throw wrong("'\(part)' is not a letter and a number")
            }
            switch name {
            case "m" where (0...10).contains(value): magnitude = value
            case "n" where (1...15).contains(value) && value == value.rounded(): operations = Int(value)
            case "mstd" where (0...10).contains(value): deviation = value
            case "inc" where value == 0 || value == 1: increases = value == 1
            case "m", "n", "mstd", "inc": throw wrong("'\(part)' is out of range")
            default: throw wrong("'\(part)' is not one of m, n, mstd and inc")
            }
        }
        (self.magnitude, self.operations) = (magnitude, operations)
        (self.deviation, self.increases) = (deviation, increases)
    }

    /// What is done to every frame of the clip at `position`, in order.
    package func plan(seed: UInt64, position: UInt64) -> [PictureOperation] {
        let draws = Draws(seed: seed, place: position, purpose: .randomAugment)
        return (0..<operations).compactMap { number in
            // Eight draws for each operation, the last two for the normal deviate.
            let first = 8 * number
            guard draws.word(first) < 1 << 31 else { return nil }
            let noise = deviation > 0 ? deviation * draws.normal(first / 2 + 3) : 0
            let level = min(10, max(0, magnitude + noise)) / 10
            return operation(
                draws.integer(first + 1, below: 15), level: level, sign: draws.word(first + 2) < 1 << 31 ? 1 : -1)
        }
    }

    /// - Parameters:
    ///   - level: 0 to 1.
    ///   - sign: Of what may go either way.
    private func operation(_ number: Int, level: Double, sign: Double) -> PictureOperation {
        let factor = increases ? 1 + sign * level * 0.9 : 0.1 + 1.8 * level
        let bits = Int(level * 4)
        let threshold = Int(level * 256)
        switch number {
        case 0: return .stretchContrast
        case 1: return .equalize
        case 2: return .invert
        // 30 degrees at most.
        case 3: return .rotate(turns: sign * level / 12)
        case 4: return .posterize(bits: increases ? 4 - bits : bits)
        case 5: return .solarize(from: increases ? 256 - threshold : threshold, adding: nil)
        case 6: return .solarize(from: 128, adding: Int(level * 110))
        case 7: return .enhance(.colour, factor)
        case 8: return .enhance(.contrast, factor)
        case 9: return .enhance(.brightness, factor)
        case 10: return .enhance(.sharpness, factor)
        case 11: return .shear(x: sign * level * 0.3, y: 0)
        case 12: return .shear(x: 0, y: sign * level * 0.3)
        case 13: return .translate(x: sign * level * 0.45, y: 0)
        default: return .translate(x: 0, y: sign * level * 0.45)
        }
    }
}
