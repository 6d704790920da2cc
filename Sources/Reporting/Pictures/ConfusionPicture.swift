/// A confusion matrix as a picture: a row for each class that videos have, a column for each that they were taken for, both in
/// the order of the labels.
///
/// A cell is the stronger the larger its share of its row; right ones are blue, wrong ones orange, as on the page of a test. The
/// row of a class without videos is grey.
public struct ConfusionPicture: Sendable, Equatable {
    /// In pixels, and as high.
    public let side: Int
    /// Rows of pixels from the top, three bytes each.
    public let rgb: [UInt8]

    /// The most classes that a picture has: its pixels are a million times 16.
    public static let mostClasses = 4096
    /// Pixels that small matrices are about as large as; large ones have a pixel for each cell.
    private static let usualSide = 512

    /// - Parameters:
    ///   - classes: 1...`mostClasses`.
    ///   - cells: Every pair that occurs, each once, with labels and predictions below `classes`.
    public init(classes K: Int, cells: [TestReport.Cell]) {
        precondition((1...Self.mostClasses).contains(K), "\(K) classes")
        let size = max(1, Self.usualSide / K)
        let side = K * size
        var videos = [Int](repeating: 0, count: K)
        for cell in cells { videos[cell.label] += cell.videos }
        var rgb = [UInt8](repeating: 0xFF, count: 3 * side * side)
        func fill(row: Int, column: Int, columns: Int, _ colour: SIMD3<UInt8>) {
            for y in row * size..<(row + 1) * size {
                for x in column * size..<(column + columns) * size {
                    for c in 0..<3 { rgb[3 * (y * side + x) + c] = colour[c] }
                }
            }
        }
        for k in 0..<K where videos[k] == 0 { fill(row: k, column: 0, columns: K, Self.empty) }
        for cell in cells where cell.videos > 0 {
            let full = cell.label == cell.prediction ? Self.right : Self.wrong
            let strength = confusionStrength(cell.videos, of: videos[cell.label])
            var colour = SIMD3<UInt8>()
            for c in 0..<3 { colour[c] = UInt8((255 + strength * (Double(full[c]) - 255)).rounded()) }
            fill(row: cell.label, column: cell.prediction, columns: 1, colour)
        }
        (self.side, self.rgb) = (side, rgb)
    }

    private static let right = SIMD3<UInt8>(0x1F, 0x6F, 0xC4)
    private static let wrong = SIMD3<UInt8>(0xD9, 0x59, 0x1C)
    private static let empty = SIMD3<UInt8>(0xE6, 0xE9, 0xED)
}

/// How strong a cell is painted, 0.12...1. The eye sees the square root of a share better than the share: single mistakes must
/// show.
func confusionStrength(_ videos: Int, of all: Int) -> Double {
    let share = all == 0 ? 0 : Double(videos) / Double(all)
    return min(1, max(0.12, share.squareRoot()))
}
