import Randomness

/// The dice of a case: every decision is a function of the seed and the case's name. When a process gets to see it is not.
struct Dice {
    private let draws: Draws
    private var next = 0

    init(seed: UInt64, case name: String) {
        let place = name.utf8.reduce(UInt64(5381)) { $0 &* 33 &+ UInt64($1) }
        draws = Draws(seed: seed, place: place, purpose: .simulation)
    }

    mutating func below(_ bound: Int) -> Int {
        defer { next += 1 }
        return draws.integer(next, below: bound)
    }

    mutating func between(_ low: Double, _ high: Double) -> Double {
        defer { next += 1 }
        return low + (high - low) * Double(draws.uniform(next))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
