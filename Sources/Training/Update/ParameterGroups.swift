public import Faults

/// Which parameters an optimizer leaves alone, and by what it multiplies the rate of others: from patterns over their names.
///
/// In a pattern `*` stands for any characters or none, `?` for one; everything else stands for itself.
public struct ParameterGroups: Sendable, Equatable {
    /// By parameter.
    public let isFrozen: [Bool]
    /// By parameter; 1 where no pattern fits.
    public let rates: [Float]

    /// - Throws: a usage `Fault` for a pattern that fits no parameter, and when nothing is left to train.
    public init(_ optimizer: Recipe.Optimizer, parameters names: [String]) throws(Fault) {
        for (key, pattern) in optimizer.freeze.map({ ("optimizer.freeze", $0) })
            + optimizer.rates.map({ ("optimizer.rates", $0.pattern) })
        where !names.contains(where: { Self.fits(pattern, $0) }) {
            throw Fault(
                .usage, key, "the pattern '\(pattern)' fits no parameter of the network",
                mend: Self.advice(for: pattern, among: names))
        }
        isFrozen = names.map { name in optimizer.freeze.contains { Self.fits($0, name) } }
        rates = names.map { name in Float(optimizer.rates.first { Self.fits($0.pattern, name) }?.factor ?? 1) }
        guard isFrozen.contains(false) else {
            throw Fault(
                .usage, "optimizer.freeze", "freezes every parameter of the network",
                mend: "leave at least the last layer out")
        }
    }

    /// Whether the whole of `name` is as `pattern` says.
    static func fits(_ pattern: String, _ name: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let name = Array(name.utf8)
        var (p, n) = (0, 0)
        // Where the last star stands, and how far it reaches.
        var star: (p: Int, n: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = star {
                star = (last.p, last.n + 1)
                (p, n) = (last.p + 1, last.n + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The nearest pattern that fits something: a name, or a beginning of names with a star.
    private static func advice(for pattern: String, among names: [String]) -> String {
        var candidates: [String] = []
        var seen: Set<String> = []
        for name in names {
            for end in name.indices where name[end] == "." || name[end] == "_" {
                let beginning = String(name[...end]) + "*"
                if seen.insert(beginning).inserted { candidates.append(beginning) }
            }
            candidates.append(name)
        }
        if let near = nearestName(to: pattern, among: candidates) { return "did you mean '\(near)'?" }
        return "parameters are called for example \(names.prefix(3).map { "'\($0)'" }.joined(separator: ", "))"
    }
}
