/// How the columns of a matrix product are cut into panels of one to three vectors, as even as can be: the widths that
/// the micro-kernels have.
struct Panels: Sendable {
    let columns: Int
    let lanes: Int
    /// The number of panels.
    let count: Int
    private let vectors: Int

    /// - Parameter widest: Vectors of a panel at most: 1 to 3.
    init(columns: Int, lanes: Int, widest: Int = 3) {
        self.columns = columns
        self.lanes = lanes
        vectors = (columns + lanes - 1) / lanes
        count = (vectors + widest - 1) / widest
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
    private static let nearbyFloats = 1 << 18

    /// Calls of a tile `width` vectors wide that ask for the weights that come next: where `turnover` floats are read before
    /// they are needed again, so many as a step has lines of them.
    func callsForWeights(_ width: Int, turnover: Int) -> Int {
        turnover > Self.nearbyFloats ? (width * lanes + floatsOfLine - 1) / floatsOfLine : 0
    }
}
