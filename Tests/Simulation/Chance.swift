import Randomness

/// The simulation's dice: every decision of a run is a function of its seed.
struct Chance {
    private let draws: Draws
    private var next = 0

    /// - Parameter place: Dice of other places of the same seed are others.
    init(seed: UInt64, place: UInt64 = 0) { draws = Draws(seed: seed, place: place, purpose: .simulation) }

    mutating func below(_ bound: Int) -> Int {
        defer { next += 1 }
        return draws.integer(next, below: bound)
    }

    mutating func uniform() -> Double {
        defer { next += 1 }
        return Double(draws.uniform(next))
    }

    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }

    mutating func between(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

    mutating func incarnation() -> UInt64 {
        defer { next += 2 }
        return (UInt64(draws.word(next)) << 32 | UInt64(draws.word(next + 1))) | 1
    }
}
