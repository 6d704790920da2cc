import Reporting
import Testing

@Suite struct ReportingTests {
    @Test func jsonEscapesAndKeepsOrder() {
        let value: JSON = ["b": "a\"\\\n\u{1}", "a": [1, 2.5, true, .null, .number(.nan)], "c": .number(3)]
        #expect(value.text == #"{"b":"a\"\\\n\u0001","a":[1,2.5,true,null,null],"c":3}"#)
    }

    @Test func plainProgressIsThinnedButAlwaysEnds() {
        nonisolated(unsafe) var lines: [String] = []  // the bar calls it on this thread only
        var bar = ProgressBar("step", total: 4, now: 0, isTerminal: false, plainInterval: 10) { lines.append($0) }
        for (step, time) in [(1, 1.0), (2, 5), (3, 12), (4, 13)] { bar.update(step, "loss 1", now: time) }
        #expect(
            lines == [
                "step 1/4  loss 1  0:03 left\n", "step 3/4  loss 1  0:04 left\n", "step 4/4  loss 1  0:00 left\n",
            ])
        #expect(ProgressBar.duration(7384) == "2:03:04")
    }

    @Test func progressThatBeganLaterCountsItsOwnTimeOnly() {
        nonisolated(unsafe) var lines: [String] = []  // the bar calls it on this thread only
        var bar = ProgressBar("step", total: 14, first: 10, now: 0, isTerminal: false, plainInterval: 1) {
            lines.append($0)
        }
        // Taken back to the step before the first, as a rollback does, and on again.
        for (step, time) in [(12, 2.0), (9, 4), (12, 8), (14, 9)] { bar.update(step, "", now: time) }
        #expect(
            lines == [
                "step 12/14    0:02 left\n", "step 9/14    0:00 left\n", "step 12/14    0:08 left\n",
                "step 14/14    0:00 left\n",
            ])
    }
}
