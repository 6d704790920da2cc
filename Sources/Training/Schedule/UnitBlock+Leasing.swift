package import Wire

extension UnitBlock {
    /// About how many of the `free` units of a step a worker is leased next; its block has a power of two of them, or less.
    /// - Parameter share: Of the cluster's speed.
    package static func leasedUnits(of free: Int, share: Double) -> Int {
        // A little more than the share, so that two nearly equal workers halve a step instead of quartering it.
        max(1, Int(1.15 * Double(free) * share))
    }

    /// `log2` of the largest block that has no more than so many units.
    package static func log2(ofAtMost units: Int) -> Int { Int.bitWidth - 1 - max(1, units).leadingZeroBitCount }
}
