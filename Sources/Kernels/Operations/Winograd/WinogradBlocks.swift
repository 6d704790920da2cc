/// How the sums of Winograd's weight gradient are cut: blocks of input and output channels whose sums stay in the second
/// cache while all tiles are added to them, and slices of the tiles where those are many.
struct WinogradBlocks: Sendable {
    let plan: WinogradPlan
    let lanes: Int
    let panels: Panels
    /// Vectors of input channels.
    let vectors: Int
    /// Blocks along the input's and the output's channels.
    let rowBlocks: Int
    let columnBlocks: Int

    /// Floats of a block's sums: 432 KiB, and of the transformed tiles beside it.
    private static let blockFloats = 27 << 12
    private static let tileFloats = 3 << 15
    private static let maximumTiles = 64
    /// Tiles that make a slice worth its sums, and the floats that all slices' sums may take.
    private static let tilesPerSlice = 512
    private static let maximumSums = 4 << 20

    init(_ plan: WinogradPlan, lanes: Int) {
        self.plan = plan
        self.lanes = lanes
        panels = Panels(columns: plan.K, lanes: lanes)
        vectors = (plan.C + lanes - 1) / lanes
        // In space a panel has sums enough; in time several go together.
        let wanted = plan.space ? 1 : 4
        columnBlocks = (panels.count + wanted - 1) / wanted
        let widest = (panels.paddedColumns + columnBlocks - 1) / columnBlocks
        let limit = max(Self.blockFloats / (plan.points * widest * lanes), 1)
        rowBlocks = (vectors + limit - 1) / limit
    }

    /// Floats of all sums: `[outer tap][row block][column block][point][row][column]`.
    var sumCount: Int { plan.outerTaps * plan.points * vectors * lanes * panels.paddedColumns }

    /// The sums of some input channels and some output channels at one tap along time.
    struct Block {
        /// Input channels from the first one on, whole vectors; the last vector of all begins early.
        let firstRow: Int
        let rows: Int
        let panels: Range<Int>
        let firstColumn: Int
        let columns: Int
        /// Where its sums begin.
        let place: Int
    }

    var blockCount: Int { plan.outerTaps * rowBlocks * columnBlocks }

    func block(outer: Int, row: Int, column: Int) -> Block {
        let first = row * vectors / rowBlocks * lanes
        let rows = (row + 1) * vectors / rowBlocks * lanes - first
        let chosen = column * panels.count / columnBlocks..<(column + 1) * panels.count / columnBlocks
        let firstColumn = panels.firstColumn(chosen.lowerBound)
        let last = chosen.upperBound - 1
        let columns = panels.firstColumn(last) + panels.width(last) * lanes - firstColumn
        let area = outer * vectors * lanes * panels.paddedColumns + first * panels.paddedColumns + rows * firstColumn
        return Block(
            firstRow: first, rows: rows, panels: chosen, firstColumn: firstColumn, columns: columns,
            place: plan.points * area)
    }

    /// The blocks that a vector of input channels and a panel lie in.
    func rowBlock(_ vector: Int) -> Int { ((vector + 1) * rowBlocks - 1) / vectors }
    func columnBlock(_ panel: Int) -> Int { ((panel + 1) * columnBlocks - 1) / panels.count }

    /// The most rows and columns of a block.
    var mostRows: Int { (vectors + rowBlocks - 1) / rowBlocks * lanes }
    var mostColumns: Int { (panels.count + columnBlocks - 1) / columnBlocks * 3 * lanes }

    /// Tiles that are transformed together.
    var tilesTogether: Int {
        max(min(Self.tileFloats / (plan.points * (mostRows + mostColumns)), Self.maximumTiles), 4)
    }

    /// Slices, whose sums are added in order.
    func slices(N: Int) -> Int {
        let tiles = N * plan.grid.count * plan.targetFrames
        return max(min(tiles / Self.tilesPerSlice, Self.maximumSums / sumCount), 1)
    }
}
