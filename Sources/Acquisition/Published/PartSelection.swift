public import Faults

/// Which parts of a split are wanted: `0-9,12`; everything when nothing was said.
public struct PartSelection: Sendable, Equatable {
    private let ranges: [ClosedRange<Int>]?

    public static let all = PartSelection(ranges: nil)

    private init(ranges: [ClosedRange<Int>]?) { self.ranges = ranges }

    /// - Parameter text: numbers and ranges of numbers with commas between them.
    /// - Throws: a usage `Fault` for anything else.
    public init(_ text: String) throws(Fault) {
        var ranges: [ClosedRange<Int>] = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = piece.split(separator: "-", omittingEmptySubsequences: false).map { Self.number($0.trimmed) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last else {
                throw Fault(
                    .usage, "--parts \(text)", "'\(piece)' is neither a number nor a range", mend: "write 0-9,12")
            }
            ranges.append(first...last)
        }
        self.ranges = ranges
    }

    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    public func contains(_ part: Int) -> Bool { ranges?.contains { $0.contains(part) } ?? true }
}
