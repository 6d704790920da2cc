import Kernels
import Training

/// The scores of one video's views, and what a protocol makes of them. Views may come in any order; what is made of them
/// does not depend on it.
struct ViewScores {
    let classes: Int
    private var scores: [Double]
    private var right: [Bool]

    init(classes: Int, views: Int) {
        self.classes = classes
        scores = [Double](repeating: 0, count: classes * views)
        right = [Bool](repeating: false, count: views)
    }

    /// Takes what the network made of a view: scores where it ends with a convolutional head, else logits.
    mutating func set(_ view: Int, _ row: UnsafeBufferPointer<Float>, isScores: Bool, label: Int) {
        precondition(row.count == classes && (0..<classes).contains(label))
        // By the logits themselves: rounding in the softmax may make neighbours equal.
        right[view] = !row[label].isNaN && !row.indices.contains { row.outranks($0, label) }
        let target = view * classes
        if isScores {
            for k in 0..<classes { scores[target + k] = Double(row[k]) }
            return
        }
        scores.withUnsafeMutableBufferPointer { scores in
            guard let first = row.baseAddress, let out = scores.baseAddress else { return }
            SoftmaxCrossEntropy.softmax(K: classes, logits: first, scores: out + target)
        }
    }

    var views: Int { right.count }
    var rightViews: Int { right.count { $0 } }

    /// Over the views in their order.
    func aggregate(_ how: TestProtocol.Aggregate) -> [Double] {
        var out = [Double](repeating: how == .max ? -.infinity : 0, count: classes)
        for view in 0..<views {
            for k in 0..<classes {
                let score = scores[view * classes + k]
                // A score that is no number stays one.
                out[k] = how == .max ? (score > out[k] || score.isNaN ? score : out[k]) : out[k] + score
            }
        }
        if how == .mean { for k in 0..<classes { out[k] /= Double(views) } }
        return out
    }
}

extension RandomAccessCollection where Element: Comparable, Index == Int {
    /// Whether place `a` comes before place `b` when the largest comes first, of equals the lower one.
    func outranks(_ a: Int, _ b: Int) -> Bool { self[a] > self[b] || (self[a] == self[b] && a < b) }
}
