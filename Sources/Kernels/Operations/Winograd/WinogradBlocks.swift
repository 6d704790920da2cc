/// How the sums of Winograd's weight gradient are cut: blocks of points, input and output channels whose sums stay in the
/// second cache while all tiles are added to them, and slices of the tiles where those are many.
///
/// In space a block has the points of two rows: to transform a tile three times for a third of its points costs little
/// more than once for all, to transform it once for every few channels costs that often.
struct WinogradBlocks: Sendable {
    let plan: WinogradPlan
    let lanes: Int
    let panels: Panels
    /// Vectors of input channels.
    let vectors: Int
    /// Blocks along the points, three pairs of rows or one for all, and along the input's and the output's channels.
    let pointBlocks: Int
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
        pointBlocks = plan.tiling == .space ? 3 : 1
        let (panelCount, columns, allVectors) = (panels.count, panels.paddedColumns, vectors)
        let vectorFloats = plan.points / pointBlocks * lanes
        // Blocks along the input's channels, where there are so many along the output's.
        func blocksOfInput(_ columnBlocks: Int) -> Int {
            let widest = min((panelCount + columnBlocks - 1) / columnBlocks * 3 * lanes, columns)
            let limit = max(Self.blockFloats / (vectorFloats * widest), 1)
            return (allVectors + limit - 1) / limit
        }
        // Each block of output channels transforms the input again, each of input channels the gradient, which is about
        // half the work.
        func cost(_ columnBlocks: Int) -> Int { 2 * columnBlocks * plan.C + blocksOfInput(columnBlocks) * plan.K }
        columnBlocks = (1...panelCount).min { cost($0) < cost($1) } ?? 1
        rowBlocks = blocksOfInput(columnBlocks)
    }

    /// Floats of all sums: `[outer tap][row block][column block][point][row][column]`.
    var sumCount: Int { plan.outerTaps * plan.points * vectors * lanes * panels.paddedColumns }

    /// The sums of some input channels and some output channels at one tap along time.
    struct Block {
        /// Which pair of rows of points, in space; `points` of them are the block's.
        let pair: Int
        let points: Int
        /// Input channels from the first one on, whole vectors; the last vector of all begins early.
        let firstRow: Int
        let rows: Int
        let panels: Range<Int>
        let firstColumn: Int
        let columns: Int
        /// Where the sums of all points of its channels begin, `[point][row][column]`.
        let place: Int
    }

    var blockCount: Int { plan.outerTaps * pointBlocks * rowBlocks * columnBlocks }

    func block(outer: Int, pair: Int = 0, row: Int, column: Int) -> Block {
        let first = row * vectors / rowBlocks * lanes
        let rows = (row + 1) * vectors / rowBlocks * lanes - first
        let chosen = column * panels.count / columnBlocks..<(column + 1) * panels.count / columnBlocks
        let firstColumn = panels.firstColumn(chosen.lowerBound)
        let last = chosen.upperBound - 1
        let columns = panels.firstColumn(last) + panels.width(last) * lanes - firstColumn
        let area = outer * vectors * lanes * panels.paddedColumns + first * panels.paddedColumns + rows * firstColumn
        return Block(
            pair: pair, points: pointsOfBlock, firstRow: first, rows: rows, panels: chosen, firstColumn: firstColumn,
            columns: columns,
            place: plan.points * area)
    }

    /// Points of a block.
    var pointsOfBlock: Int { plan.points / pointBlocks }

    /// Which of all points the number `point` of a block is: its rows are 0 and 5, 1 and 2, or 3 and 4.
    func point(_ point: Int, of block: Block) -> Int {
        guard pointBlocks > 1 else { return point }
        let (row, column) = (point / WinogradPlan.inputs, point % WinogradPlan.inputs)
        let first = block.pair == 0 ? 0 : 2 * block.pair - 1
        let second = block.pair == 0 ? 5 : 2 * block.pair
        return (row == 0 ? first : second) * WinogradPlan.inputs + column
    }

    /// The blocks that a vector of input channels and a panel lie in.
    func rowBlock(_ vector: Int) -> Int { ((vector + 1) * rowBlocks - 1) / vectors }
    func columnBlock(_ panel: Int) -> Int { ((panel + 1) * columnBlocks - 1) / panels.count }

    /// The most rows and columns of a block.
    var mostRows: Int { (vectors + rowBlocks - 1) / rowBlocks * lanes }
    var mostColumns: Int { (panels.count + columnBlocks - 1) / columnBlocks * 3 * lanes }

    /// Tiles that are transformed together.
    var tilesTogether: Int {
        max(min(Self.tileFloats / (pointsOfBlock * (mostRows + mostColumns)), Self.maximumTiles), 4)
    }

    /// Slices, whose sums are added in order.
    func slices(N: Int) -> Int {
        let tiles = N * plan.grid.count * plan.targetFrames
        return max(min(tiles / Self.tilesPerSlice, Self.maximumSums / sumCount), 1)
    }
}
