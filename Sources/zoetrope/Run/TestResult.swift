import Evaluation
import Reporting

/// A test's result as the commands print it.
struct TestResult {
    let table: ScoreTable
    let metrics: TestMetrics

    init(_ table: ScoreTable) {
        self.table = table
        metrics = TestMetrics(table)
    }

    var json: JSON {
        [
            "videos": .integer(metrics.videos), "clips": .integer(metrics.views),
            "clip_top1": .number(metrics.viewTop1), "video_top1": .number(metrics.videoTop1),
            "video_top5": .number(metrics.videoTop5),
            "video_top1_interval": interval(metrics.top1Interval),
            "video_top5_interval": interval(metrics.top5Interval),
            "mean_per_class": .number(metrics.meanPerClass),
            "untested": .array(
                untested.map { ["video": .string($0.name), "reason": .string($0.outcome.problem)] }),
        ]
    }

    var text: String {
        "\(metrics.videos) videos, \(metrics.views) views: clip@1 \(percent(metrics.viewTop1)), "
            + "video@1 \(percent(metrics.videoTop1)) (95 %: \(percent(metrics.top1Interval.lowerBound)) to "
            + "\(percent(metrics.top1Interval.upperBound))), video@5 \(percent(metrics.videoTop5)), "
            + "mean per class \(percent(metrics.meanPerClass))"
            + (metrics.untested == 0 ? "" : "; \(metrics.untested) could not be tested and count as wrong")
    }

    /// A line for each video that counts as wrong because it could not be tested.
    func warn() {
        for row in untested { standardError("zoetrope: \(row.name): counts as wrong: \(row.outcome.problem)\n") }
    }

    private var untested: [ScoreTable.Row] { table.rows.filter { !$0.outcome.isTested } }

    private func interval(_ range: ClosedRange<Double>) -> JSON {
        .array([.number(range.lowerBound), .number(range.upperBound)])
    }
}

/// `93.75 %`.
func percent(_ fraction: Double) -> String { hundredths(100 * fraction) + " %" }
