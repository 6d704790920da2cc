/// Measures of scores where a video may have several labels, or none: what VMZ and PySlowFast report for Charades,
/// AudioSet and EPIC-Kitchens.
public struct MultiLabelMetrics: Sendable, Equatable {
    /// Of each class; nil where no video has it.
    public var averagePrecision: [Double?]
    /// Of each class; nil where no video or every video has it.
    public var areaUnderCurve: [Double?]
    /// The mean over the classes that some video has; 0 when there is none.
    public var meanAveragePrecision: Double
    /// The same, each class weighed by how many videos have it (VMZ's mWAP).
    public var weightedAveragePrecision: Double
    /// The mean over all classes, those that no video has being 0 (VMZ's mAP_all).
    public var meanAveragePrecisionOfAll: Double
    /// The mean over the classes that some videos have and some do not (mAUC); 0 when there is none.
    public var meanAreaUnderCurve: Double

    /// - Parameters:
    ///   - scores: for each video a row of a score for each class, all of the same length.
    ///   - labels: for each video the classes that it has.
    public init(scores: [[Double]], labels: [Set<Int>], classes: Int) {
        precondition(scores.count == labels.count && scores.allSatisfy { $0.count == classes })
        var (precisions, areas): ([Double?], [Double?]) = ([], [])
        var counts: [Int] = []
        for k in 0..<classes {
            let column = scores.map { $0[k] }
            let relevant = labels.map { $0.contains(k) }
            counts.append(relevant.count { $0 })
            precisions.append(Evaluation.averagePrecision(column, relevant: relevant))
            areas.append(Evaluation.areaUnderCurve(column, relevant: relevant))
        }
        func mean(_ values: [Double]) -> Double {
            values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
        }
        averagePrecision = precisions
        areaUnderCurve = areas
        meanAveragePrecision = mean(precisions.compactMap { $0 })
        meanAveragePrecisionOfAll = mean(precisions.map { $0 ?? 0 })
        meanAreaUnderCurve = mean(areas.compactMap { $0 })
        let all = counts.reduce(0, +)
        let weighted = zip(precisions, counts).reduce(0) { $0 + ($1.0 ?? 0) * Double($1.1) }
        weightedAveragePrecision = all == 0 ? 0 : weighted / Double(all)
    }
}

/// The sum over thresholds of precision times what recall gained there; equal scores are one threshold, as in
/// scikit-learn's `average_precision_score`. Nil when nothing is relevant.
public func averagePrecision(_ scores: [Double], relevant: [Bool]) -> Double? {
    let all = relevant.count { $0 }
    guard all > 0 else { return nil }
    var (seen, found, sum) = (0, 0, 0.0)
    for group in thresholds(scores) {
        let gained = group.count { relevant[$0] }
        seen += group.count
        found += gained
        sum += Double(gained) / Double(all) * Double(found) / Double(seen)
    }
    return sum
}

/// The probability that a relevant one has a larger score than another, ties counting half: the area under the ROC
/// curve. Nil when all or none are relevant.
public func areaUnderCurve(_ scores: [Double], relevant: [Bool]) -> Double? {
    let all = relevant.count { $0 }
    let others = relevant.count - all
    guard all > 0, others > 0 else { return nil }
    var (beaten, sum) = (others, 0.0)
    for group in thresholds(scores) {
        let gained = group.count { relevant[$0] }
        let ties = group.count - gained
        beaten -= ties
        sum += Double(gained) * (Double(beaten) + 0.5 * Double(ties))
    }
    return sum / (Double(all) * Double(others))
}

/// Places with equal scores together, the largest scores first.
private func thresholds(_ scores: [Double]) -> [[Int]] {
    var groups: [[Int]] = []
    for place in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
        if let last = groups.last, scores[last[0]] == scores[place] {
            groups[groups.count - 1].append(place)
        } else {
            groups.append([place])
        }
    }
    return groups
}
