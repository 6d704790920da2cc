import Checkpoints
import Evaluation
import Faults
import Randomness
import Storage
import TestSupport
import Testing

@Suite struct ScoreTableTests {
    private static func row(_ name: String, _ label: Int, _ scores: [Double], views: Int = 2, right: Int = 1)
        -> ScoreTable.Row
    {
        ScoreTable.Row(
            name: name, label: label, outcome: VideoOutcome(scores: scores, views: views, rightViews: right))
    }

    /// Seven classes, five videos; b is ranked sixth, e could not be tested.
    private static let table = ScoreTable(
        classes: ["ape", "bee", "cat", "dog", "eel", "fly"], count: 7,
        rows: [
            row("a", 0, [0.7, 0.1, 0, 0, 0, 0, 0.2]),
            row("b", 5, [0.3, 0.2, 0.1, 0.15, 0.16, 0.05, 0.04]),
            row("c", 0, [0.2, 0.5, 0.1, 0.1, 0.1, 0, 0], right: 0),
            row("d", 1, [0.5, 0.5, 0, 0, 0, 0, 0], views: 4, right: 2),
            ScoreTable.Row(name: "e \"é\"\n", label: 2, outcome: VideoOutcome(problem: "is empty")),
        ], about: ["model": "m", "protocol": "slowfast"])

    @Test func metricsWorkedOutByHand() {
        let metrics = TestMetrics(Self.table)
        #expect((metrics.videos, metrics.untested, metrics.views) == (5, 1, 10))
        #expect(metrics.viewTop1 == 0.4)
        // Right is a alone: d's tie goes to the lower class. Near are a, c and d.
        #expect((metrics.videoTop1, metrics.videoTop5) == (0.2, 0.6))
        // Recalls: ape 1/2, bee 0, cat 0, fly 0.
        #expect(metrics.meanPerClass == 0.125)
        #expect(metrics.classes.map(\.predicted) == [3, 1, 0, 0, 0, 0, 0])
        #expect(metrics.classes[0].precision == 1.0 / 3 && metrics.classes[0].recall == 0.5)
        #expect(metrics.classes[1].precision == 0 && metrics.classes[3].recall == nil)
        #expect(metrics.classes[3].precision == nil && metrics.classes[6].name == "class 6")
        #expect(
            metrics.confusion.map { [$0.label, $0.prediction, $0.videos] } == [
                [0, 0, 1], [0, 1, 1], [1, 0, 1], [5, 0, 1],
            ])
        #expect(metrics.topConfusions(2).map(\.label) == [0, 1])
    }

    @Test func nothingHasNoMetrics() {
        let metrics = TestMetrics(ScoreTable(classes: ["a"], count: 1))
        #expect((metrics.videoTop1, metrics.meanPerClass, metrics.viewTop1) == (0, 0, 0))
        #expect(metrics.top1Interval == 0...1)
    }

    /// Where |p - q| = z sqrt(q (1 - q) / n), found by bisection in Python.
    @Test(arguments: [
        (10, 20, 0.299298, 0.700702), (0, 10, 0, 0.277533), (10, 10, 0.722467, 1), (15216, 19761, 0.764082, 0.775816),
    ])
    func wilsonsInterval(_ right: Int, _ all: Int, _ low: Double, _ high: Double) {
        let interval = wilsonInterval(right, of: all)
        #expect(abs(interval.lowerBound - low) < 1e-6 && abs(interval.upperBound - high) < 1e-6, "\(interval)")
    }

    @Test func aFileGivesTheTableBackToTheBit() throws {
        try withTemporaryFolder { folder in
            try Self.table.write(to: folder + "/scores.safetensors")
            #expect(try ScoreTable(path: folder + "/scores.safetensors") == Self.table)
            let empty = ScoreTable(classes: ["a", "b"], count: 2)
            try empty.write(to: folder + "/empty.safetensors")
            #expect(try ScoreTable(path: folder + "/empty.safetensors") == empty)
        }
    }

    /// Whatever byte is damaged, reading ends with a table that makes sense or a fault, never the process.
    @Test func damagedFilesAreRefusedOrMakeSense() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/scores.safetensors"
            try Self.table.write(to: path)
            let bytes = try readWhole(path)
            var refused = 0
            for i in bytes.indices {
                let draws = Draws(seed: 5, place: UInt64(i), purpose: .synthesis)
                var damaged = bytes
                damaged[i] = UInt8(draws.integer(0, below: 256))
                try writeWhole(damaged, to: path)
                do {
                    let metrics = TestMetrics(try ScoreTable(path: path))
                    #expect(metrics.videoTop1 <= 1)
                } catch {
                    refused += 1
                    #expect(error is Fault)
                }
            }
            #expect(refused > bytes.count / 4, "\(refused) of \(bytes.count)")
            for count in stride(from: 0, to: bytes.count, by: 37) {
                try writeWhole(Array(bytes[..<count]), to: path)
                #expect(throws: Fault.self) { try ScoreTable(path: path) }
            }
        }
    }

    @Test func fusionAddsWeighedShares() throws {
        let other = ScoreTable(
            classes: ["ape", "bee", "cat", "dog", "eel", "fly"], count: 7,
            rows: [
                // In another order, one not tested, on another scale.
                Self.row("d", 1, [0, 30, 0, 0, 0, 0, 0]), Self.row("c", 0, [15, 0, 15, 0, 0, 0, 0]),
                ScoreTable.Row(name: "b", label: 5, outcome: VideoOutcome(problem: "gone")),
                Self.row("a", 0, [30, 0, 0, 0, 0, 0, 0]), Self.row("e \"é\"\n", 2, [0, 0, 3, 0, 0, 0, 0]),
            ])
        let fused = try ScoreTable.fused([("x", Self.table), ("y", other)], weights: [0.25, 0.75])
        #expect(fused.rows.map(\.name) == Self.table.rows.map(\.name))
        let c = fused.rows[2].outcome.scores
        #expect(
            zip(c, [0.25 * 0.2 + 0.375, 0.125, 0.4, 0.025, 0.025, 0, 0]).allSatisfy { abs($0 - $1) < 1e-12 }, "\(c)")
        #expect(fused.rows[1].outcome.scores[0] == 0.25 * 0.3)
        #expect(fused.rows[4].outcome.scores[2] == 0.75)
        #expect(TestMetrics(fused).videoTop1 == 0.8)
        #expect(TestMetrics(fused).untested == 0)
    }

    @Test func tablesThatDoNotFitAreNamed() throws {
        func fault(_ change: (inout ScoreTable) -> Void) -> String {
            var other = Self.table
            change(&other)
            do {
                _ = try ScoreTable.fused([("x", Self.table), ("y", other)], weights: [1, 1])
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(fault { $0.rows[1].label = 4 }.contains("'b' has the label 4, and 5 in x"))
        #expect(fault { $0.rows[1].name = "z" }.contains("has no scores of 'b'"))
        #expect(fault { $0.rows.removeLast() }.contains("has 4 videos, and x has 5"))
        #expect(fault { $0 = ScoreTable(classes: ["a"], count: 7, rows: $0.rows) }.contains("other classes"))
        for weights in [[1.0], [1, -1], [0, 0], [.nan, 1]] {
            #expect(throws: Fault.self) {
                try ScoreTable.fused([("x", Self.table), ("y", Self.table)], weights: weights)
            }
        }
    }

    @Test func videosOfOneNameAreToldApartByTheirOrder() throws {
        let table = ScoreTable(
            classes: ["a", "b"], count: 2, rows: [Self.row("v", 0, [1, 0]), Self.row("v", 0, [0, 1])])
        let fused = try ScoreTable.fused([("x", table), ("y", table)], weights: [1, 1])
        #expect(fused.rows.map(\.outcome.scores) == [[2, 0], [0, 2]])
    }
}

@Suite struct MultiLabelMetricsTests {
    /// scikit-learn's example: `average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])` is 0.83, the area 0.75.
    @Test func theTextbooksExample() throws {
        let (scores, relevant) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true])
        #expect(abs(try #require(averagePrecision(scores, relevant: relevant)) - 5.0 / 6) < 1e-12)
        #expect(areaUnderCurve(scores, relevant: relevant) == 0.75)
    }

    @Test func tiesAreOneThreshold() throws {
        let (scores, relevant) = ([0.5, 0.5, 0.5, 0.5], [true, false, false, true])
        #expect(averagePrecision(scores, relevant: relevant) == 0.5)
        #expect(areaUnderCurve(scores, relevant: relevant) == 0.5)
    }

    @Test func whatNobodyHasHasNoMeasure() {
        #expect(averagePrecision([1, 2], relevant: [false, false]) == nil)
        #expect(areaUnderCurve([1, 2], relevant: [true, true]) == nil)
        #expect(averagePrecision([1, 2], relevant: [true, true]) == 1)
    }

    /// Against the definitions, pair by pair and threshold by threshold.
    @Test(arguments: 0..<20) func randomScores(_ seed: Int) throws {
        let draws = Draws(seed: UInt64(seed), place: 0, purpose: .synthesis)
        let count = 30
        let scores = (0..<count).map { Double(draws.integer($0, below: 12)) }
        let relevant = (0..<count).map { draws.integer(100 + $0, below: 3) == 0 }
        let all = relevant.count { $0 }
        guard all > 0, all < count else { return }
        var (won, pairs) = (0.0, 0.0)
        for i in 0..<count where relevant[i] {
            for j in 0..<count where !relevant[j] {
                pairs += 1
                won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
            }
        }
        var (precision, recall) = (0.0, 0.0)
        for threshold in Set(scores).sorted(by: >) {
            let seen = (0..<count).filter { scores[$0] >= threshold }
            let found = Double(seen.count { relevant[$0] })
            precision += (found / Double(all) - recall) * found / Double(seen.count)
            recall = found / Double(all)
        }
        // Sums in another order.
        #expect(abs(try #require(areaUnderCurve(scores, relevant: relevant)) - won / pairs) < 1e-12, "seed \(seed)")
        #expect(abs(try #require(averagePrecision(scores, relevant: relevant)) - precision) < 1e-12, "seed \(seed)")
    }

    @Test func meansOverClasses() {
        // Class 0 is found perfectly by two videos, class 1 in the second place by one, class 2 nobody has.
        let metrics = MultiLabelMetrics(
            scores: [[0.9, 0.8, 0], [0.8, 0.3, 0], [0.1, 0.1, 0]], labels: [[0], [0, 1], []], classes: 3)
        #expect(metrics.averagePrecision == [1, 0.5, nil])
        #expect(metrics.areaUnderCurve == [1, 0.5, nil])
        #expect((metrics.meanAveragePrecision, metrics.meanAreaUnderCurve) == (0.75, 0.75))
        #expect(metrics.meanAveragePrecisionOfAll == 0.5)
        #expect(abs(metrics.weightedAveragePrecision - 2.5 / 3) < 1e-12)
    }
}
