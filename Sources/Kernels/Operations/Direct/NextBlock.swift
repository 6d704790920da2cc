/// What the block of pixels behind the one that is computed will read and write, where pixels lie in order: the sums ask
/// the caches for it, a line with each step, so late that it arrives as the block ends.
///
/// Rows of a tile lie too far apart, and are read too slowly, for the processor to see by itself what comes next.
struct NextBlock {
    private let source: UnsafePointer<Float>
    private let target: UnsafePointer<Float>
    private let sourceLines: Int
    private let lines: Int
    /// Steps of the sums that pass before the first line is asked for, below 0 then.
    private var steps: Int

    /// - Parameters:
    ///   - pixels: how many pixels the next block has at most.
    ///   - sourceFloats, targetFloats: floats of a pixel in either.
    ///   - steps: those that the sums of this block take.
    init(
        source: UnsafePointer<Float>, sourceFloats: Int, target: UnsafePointer<Float>, targetFloats: Int, pixels: Int,
        steps: Int
    ) {
        self.source = source
        self.target = target
        sourceLines = pixels * sourceFloats / floatsOfLine
        lines = sourceLines + pixels * targetFloats / floatsOfLine
        self.steps = max(steps - lines, 0)
    }

    /// The line that the first of so many steps asks for; nothing where none of them is to ask.
    mutating func take(_ count: Int) -> UnsafePointer<Float>? {
        steps -= count
        let asked = -steps - count
        guard steps < 0, asked < lines else { return nil }
        return asked < sourceLines
            ? source + max(asked, 0) * floatsOfLine : target + (asked - sourceLines) * floatsOfLine
    }
}

/// Floats of a line of the caches.
let floatsOfLine = 16
