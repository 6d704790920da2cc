public import Kernels

/// What a layer hands on for one clip: C channels of T frames of H rows and W columns; in memory T H W C.
public struct FeatureMap: Sendable, Equatable, CustomStringConvertible {
    public var C: Int
    /// Frames, rows, columns.
    public var extent: Extent3

    public init(C: Int, extent: Extent3) {
        self.C = C
        self.extent = extent
    }

    /// T·H·W: over how many values of one clip a channel's statistics are taken.
    public var positions: Int { extent.count }
    /// Floats of one clip.
    public var count: Int { C * positions }

    public var description: String { "\(C)x\(extent)" }
}
