/// How the columns of a matrix product are cut into panels of one to three vectors, as even as can be: the widths that
/// the micro-kernels have.
struct Panels: Sendable {
    let columns: Int
    let lanes: Int
    /// The number of panels.
    let count: Int
    private let vectors: Int

    init(columns: Int, lanes: Int) {
        self.columns = columns
        self.lanes = lanes
        vectors = (columns + lanes - 1) / lanes
        count = (vectors + 2) / 3
    }

    /// Columns with the last vector filled up.
    var paddedColumns: Int { vectors * lanes }

    /// Vectors of a panel: 1 to 3.
    func width(_ panel: Int) -> Int { vectors / count + (panel < vectors % count ? 1 : 0) }

    /// The column that a panel begins with.
    func firstColumn(_ panel: Int) -> Int {
        (panel * (vectors / count) + min(panel, vectors % count)) * lanes
    }

    /// Columns of a panel that exist.
    func validColumns(_ panel: Int) -> Int {
        min(width(panel) * lanes, columns - firstColumn(panel))
    }

    /// More weights than this do not stay in the second cache until they are read again: asking for them early pays.
    static let nearbyFloats = 1 << 18

    /// What one of several calls of a tile asks for in advance: calls share out the weights that come `next`, a cache
    /// line for each of their `steps`; those that are left ask again for what is there.
    static func ahead(
        of next: UnsafePointer<Float>, call: Int, steps: Int, columns: Int
    ) -> UnsafePointer<Float> {
        call * floatsOfLine < columns ? next + call * floatsOfLine * steps : next
    }
}
