import Evaluation
import Foundation
import Reporting

/// A test's result as `report.html`.
struct TestPage {
    private let report: TestReport

    init(_ result: TestResult) {
        let (table, metrics) = (result.table, result.metrics)
        func interval(_ range: ClosedRange<Double>) -> String {
            "95 %: \(percent(range.lowerBound)) to \(percent(range.upperBound))"
        }
        let names = [
            ("model", "model"), ("protocol", "protocol"), ("checkpoint", "checkpoint"), ("data", "data set"),
            ("fused", "fused"),
        ]
        report = TestReport(
            title: "Test of \(table.about["model"] ?? "fused scores")",
            figures: [
                .init("video@1", percent(metrics.videoTop1), interval(metrics.top1Interval)),
                .init("video@5", percent(metrics.videoTop5), interval(metrics.top5Interval)),
                .init("mean per class", percent(metrics.meanPerClass), "recall, over classes with videos"),
                .init("clip@1", percent(metrics.viewTop1), "each view by itself"),
                .init("videos", "\(metrics.videos)", "\(metrics.views) views, \(metrics.untested) untested"),
            ],
            facts: names.compactMap { key, name in table.about[key].map { (name, $0) } },
            classes: metrics.classes.map { row in
                TestReport.PerClass(
                    name: row.name, videos: row.videos, recall: row.recall,
                    recall5: row.videos == 0 ? nil : Double(row.near) / Double(row.videos), precision: row.precision)
            },
            confusion: metrics.confusion.map(TestReport.Cell.init),
            worst: metrics.topConfusions(20).map(TestReport.Cell.init),
            untested: table.rows.filter { !$0.outcome.isTested }.map { ($0.name, $0.outcome.problem) },
            recipe: table.about["recipe"] ?? "")
    }

    var html: String { report.html }
}

extension TestReport.Cell {
    init(_ pair: TestMetrics.Confusion) {
        self.init(label: pair.label, prediction: pair.prediction, videos: pair.videos)
    }
}
