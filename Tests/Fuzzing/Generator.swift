/// SplitMix64 (Steele, Lea, Flood 2014): one input's random numbers, from its number alone.
public struct Generator {
    private var state: UInt64

    public init(seed: UInt64, reader: Int, input: Int) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(reader) << 56 ^ UInt64(input)
        _ = next()
        state ^= next()
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// Uniform enough below a small bound.
    public mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

    mutating func element<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
