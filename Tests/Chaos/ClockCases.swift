import Foundation

/// The wall clock of machines, which jumps while the monotonic one goes on.
let clockCases: [ChaosCase] = [
    ChaosCase(21, "wall-clock-jumps", needs: .fakeClock) { lab in
        lab.recipe.steps = 60
        // Each process reads its offset from a file, again with each look at the clock.
        func clock(_ name: String) -> String { lab.folder + "/\(name).clock" }
        func set(_ name: String, _ offset: String) throws {
            try (offset + "\n").write(toFile: clock(name), atomically: true, encoding: .utf8)
        }
        func prefix(_ name: String) -> [String] {
            // Debian's program sets up what its library shares; then the file takes the place of its fixed offset.
            [
                ChaosCase.Need.fakeClockProgram, "-f", "+0", "env", "-u", "FAKETIME",
                "FAKETIME_TIMESTAMP_FILE=\(clock(name))", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
            ]
        }
        let names = ["coordinator", "a", "b"]
        for name in names { try set(name, "+0") }
        // That the library works here: a pass without it would say nothing.
        try set("probe", "-3700d")
        let year = try Chaos.run(prefix("probe") + ["date", "+%Y"]).text.trimmingCharacters(in: .whitespacesAndNewlines)
        try lab.expect(
            (Int(year) ?? 9999) < 2020, "the clock cannot be faked here: 3,700 days ago it was the year \(year)")

        _ = try lab.laboratory.undisturbed(lab.recipe)
        try lab.cluster.start(
            TestCluster.coordinator, prefix("coordinator") + lab.coordinatorCommand(workers: 2))
        for name in ["a", "b"] { try lab.cluster.start(name, prefix(name) + lab.workerCommand(name)) }
        try lab.cluster.waitForStep(5)
        for (offset, name) in [
            ("+3600", "coordinator"), ("-3600", "a"), ("-86400", "coordinator"), ("+1y", "b"), ("+0", "a"),
        ] {
            try lab.disturb("the wall clock of \(name) jumps to \(offset)") { try set(name, offset) }
            try lab.cluster.run(for: lab.dice.between(0.5, 1.5))
        }
        try lab.expectUndisturbed()
        let suspected = lab.cluster.notes.count { $0.line.contains("is dead") || $0.line.contains("ALARM") }
        try lab.expect(suspected == 0, "somebody was taken for dead, or something for wrong")
    }
]
