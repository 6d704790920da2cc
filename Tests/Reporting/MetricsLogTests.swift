import Faults
import Reporting
import Storage
import TestSupport
import Testing

/// What stands in metrics.jsonl after a crash and on a full disk.
@Suite struct MetricsLogTests {
    private func line(_ step: Int) -> JSON { ["step": .integer(step), "loss": .number(0.1)] }

    /// The next coordinator's first line would be glued to it, and both be lost.
    @Test func aLineThatACrashCutSpoilsNoOther() throws {
        try withTemporaryFolder { folder in
            let cut = line(1).text
            for length in 0...cut.utf8.count {
                let path = "\(folder)/\(length)"
                try writeWhole(line(0).text + "\n" + String(cut.prefix(length)), to: path)
                for step in 2...3 { #expect(try MetricsLog(path: path).append(line(step)) == nil) }
                let lines = try text(of: path).split(separator: "\n", omittingEmptySubsequences: false)
                // Each line has its end.
                #expect(lines.last == "", "cut at \(length)")
                for step in [0, 2, 3] { #expect(lines.contains { $0 == line(step).text }, "cut at \(length)") }
                #expect(lines.count <= 5, "cut at \(length): no more than what was cut is beside them")
            }
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
    func aFullDiskCostsWholeLinesAndIsToldOnce() throws {
        try SmallDisk.with(kilobytes: 64) { disk in
            let path = disk.path + "/metrics.jsonl"
            let log = try MetricsLog(path: path)
            var written = ""
            var fault: Fault?
            for step in 0..<100_000 where fault == nil {
                // It gets the page that it has begun, and no other: a line ends within.
                if step == 1 { try disk.fill(leaving: 0) }
                fault = log.append(line(step))
                if fault == nil { written += line(step).text + "\n" }
            }
            #expect(fault?.thing == path && fault?.mend.isEmpty == false, "\(String(describing: fault))")
            #expect(log.append(line(100_000)) == nil, "it was told")
            #expect(try text(of: path) == written)
            try disk.free()
            #expect(log.append(line(7)) == nil)
            #expect(try text(of: path) == written + line(7).text + "\n")
        }
    }

    @Test func stepsAreThoseOfWholeLines() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let none = try MetricsLog.steps(in: path)
            #expect(none == [], "there is no file")
            let lines = [
                #"{"step":0,"loss":1.5}"#, "", "somebody's own}", #"{"loss":1}"#,
                #"{"step":99999999999999999999,"loss":1}"#, #"{"step":12,"loss":0.25}"#, #"{"step":13,"lo"#,
            ]
            try writeWhole(lines.joined(separator: "\n"), to: path)
            #expect(try MetricsLog(path: path).append(["step": 14, "loss": 2]) == nil)
            let steps = try MetricsLog.steps(in: path)
            #expect(steps == [0, 12, 14])
        }
    }
}
