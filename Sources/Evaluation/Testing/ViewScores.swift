public import Training

/// The scores of one video's views, and what a protocol makes of them. Views may come in any order; what is made of them
/// does not depend on it.
public struct ViewScores: Sendable {
    private let classes: Int
    private var scores: [Double]
    private var right: [Bool]

    init(classes: Int, views: Int) {
        self.classes = classes
        scores = [Double](repeating: 0, count: classes * views)
        right = [Bool](repeating: false, count: views)
    }

    /// Takes what the network made of a view.
    /// - Parameter label: the class that would be right; `nil` where nobody knows.
    mutating func set(_ outcome: ViewRunner.Outcome, label: Int?) {
        let row = outcome.output
        precondition(row.count == classes)
        if let label {
            // By the logits themselves: rounding in the softmax may make neighbours equal.
            right[outcome.number] = !row.indices.contains { row.outranks($0, label) }
        }
        scores.withUnsafeMutableBufferPointer {
            outcome.writeScores(to: $0.extracting(outcome.number * classes..<(outcome.number + 1) * classes))
        }
    }

    /// How many there are, and how many of them alone would have been right.
    public var views: Int { right.count }
    public var rightViews: Int { right.count { $0 } }

    /// A score for each class, over the views in their order.
    /// - Parameter views: which of them; `nil` takes all.
    public func aggregate(_ how: TestProtocol.Aggregate, views: Range<Int>? = nil) -> [Double] {
        let views = views ?? 0..<self.views
        var out = [Double](repeating: how == .max ? -.infinity : 0, count: classes)
        for view in views {
            for k in 0..<classes {
                let score = scores[view * classes + k]
                out[k] = how == .max ? max(out[k], score) : out[k] + score
            }
        }
        if how == .mean { for k in 0..<classes { out[k] /= Double(views.count) } }
        return out
    }
}

extension RandomAccessCollection where Element: Comparable, Index == Int {
    /// Whether place `a` comes before place `b` when the largest comes first, of equals the lower one.
    func outranks(_ a: Int, _ b: Int) -> Bool { self[a] > self[b] || (self[a] == self[b] && a < b) }
}
