/// One life of a worker process: a random number that it draws at start, never zero. A worker that comes back is another.
public typealias Incarnation = UInt64

/// An aligned block of 2^`log2` gradient units of one step, the first being a multiple of the size.
///
/// The nodes of the reduction tree are blocks; leases are blocks. The last block of a step may reach past its last unit:
/// the missing units are absent, not zero.
public struct UnitBlock: Hashable, Sendable {
    public let first: Int
    public let log2: Int

    /// `first` is a multiple of 2^`log2`.
    public init(first: Int, log2: Int) {
        precondition(Self.isValid(first: first, log2: log2), "block \(first) of 2^\(log2) is not aligned")
        self.first = first
        self.log2 = log2
    }

    /// For numbers from the network: `nil` when they are not a block.
    public init?(checking first: Int, log2: Int) {
        guard Self.isValid(first: first, log2: log2) else { return nil }
        self.first = first
        self.log2 = log2
    }

    private static func isValid(first: Int, log2: Int) -> Bool {
        (0...30).contains(log2) && (0..<(1 << 40)).contains(first) && first & ((1 << log2) - 1) == 0
    }

    public var size: Int { 1 << log2 }
    public var end: Int { first + size }
    public var parent: UnitBlock { UnitBlock(first: first & ~((size << 1) - 1), log2: log2 + 1) }
    public var sibling: UnitBlock { UnitBlock(first: first ^ size, log2: log2) }
    public var left: UnitBlock { UnitBlock(first: first, log2: log2 - 1) }
    public var right: UnitBlock { UnitBlock(first: first + size / 2, log2: log2 - 1) }

    /// The block itself counts as contained.
    public func contains(_ other: UnitBlock) -> Bool { first <= other.first && other.end <= end }
    public func contains(unit: Int) -> Bool { first <= unit && unit < end }

    /// The smallest block that holds all units of a step of `units`.
    public static func root(units: Int) -> UnitBlock {
        UnitBlock(first: 0, log2: units <= 1 ? 0 : Int.bitWidth - (units - 1).leadingZeroBitCount)
    }
}

extension UnitBlock: CustomStringConvertible {
    public var description: String { "[\(first),\(end))" }
}
