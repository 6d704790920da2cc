public import Faults

extension ScoreTable {
    /// The weighted sum of several tests of the same videos: RGB with another stream, several checkpoints. Each row is
    /// scaled to a sum of 1 first, so that weights mean the same whatever the views and their aggregation.
    ///
    /// Videos are the same when they have the same name; of those that share one, the first is the first. What one test
    /// could not read counts where another could.
    ///
    /// - Parameter weights: one for each table, 0 or more, not all 0.
    /// - Throws: a usage or data `Fault` for tables that are not of the same videos, labels or classes.
    public static func fused(
        _ tables: [(path: String, table: ScoreTable)], weights: [Double]
    ) throws(Fault) -> ScoreTable {
        guard let first = tables.first else { throw Fault(.usage, "scores", "nothing to fuse", mend: "name two files") }
        guard weights.count == tables.count else {
            throw Fault(.usage, "--weights", "\(weights.count) weights for \(tables.count) files")
        }
        guard weights.allSatisfy({ $0.isFinite && $0 >= 0 }), weights.contains(where: { $0 > 0 }) else {
            throw Fault(.usage, "--weights", "\(weights) are not all 0 or more, and one above")
        }
        var rows: [[Row]] = []
        for (path, table) in tables {
            guard table.classes == first.table.classes else {
                throw Fault(.data, path, "has other classes than \(first.path)")
            }
            rows.append(try table.rows(inTheOrderOf: first.table, path, first.path))
        }
        var fused = first.table
        fused.about = [
            "protocol": "fusion",
            "fused": zip(tables, weights).map { "\($1) of \($0.path)" }.joined(separator: ", "),
        ]
        for v in fused.rows.indices {
            let outcomes = rows.map { $0[v].outcome }
            guard outcomes.contains(where: \.isTested) else { continue }
            var scores = [Double](repeating: 0, count: fused.classes.count)
            for (outcome, weight) in zip(outcomes, weights) where outcome.isTested {
                let sum = outcome.scores.reduce(0, +)
                for k in scores.indices { scores[k] += weight * (sum > 0 ? outcome.scores[k] / sum : 0) }
            }
            fused.rows[v].outcome = VideoOutcome(
                scores: scores, views: outcomes.reduce(0) { $0 + $1.views },
                rightViews: outcomes.reduce(0) { $0 + $1.rightViews })
        }
        return fused
    }

    private func rows(
        inTheOrderOf first: ScoreTable, _ path: String, _ firstPath: String
    ) throws(Fault) -> [Row] {
        guard rows.count == first.rows.count else {
            throw Fault(.data, path, "has \(rows.count) videos, and \(firstPath) has \(first.rows.count)")
        }
        var byName = Dictionary(grouping: rows.reversed(), by: \.name)
        var ordered: [Row] = []
        for wanted in first.rows {
            guard let row = byName[wanted.name]?.popLast() else {
                throw Fault(.data, path, "has no scores of '\(wanted.name)', which \(firstPath) has")
            }
            guard row.label == wanted.label else {
                throw Fault(
                    .data, path,
                    "'\(wanted.name)' has the label \(row.label), and \(wanted.label) in \(firstPath)")
            }
            ordered.append(row)
        }
        return ordered
    }
}
