import Reporting

extension ClusterCheckup {
    /// A row for each machine; `?` where it did not tell.
    public var table: String {
        let rows = [Self.head] + visits.map(row)
        let widths = Self.head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// `MEND host: thing: reason; mend`, a line each.
    public var lines: [String] {
        findings.map { finding in
            let problem = finding.problem
            let about = problem.thing == finding.host ? "" : "\(problem.thing): "
            return "MEND \(finding.host): \(about)\(problem.reason)" + (problem.mend.isEmpty ? "" : "; \(problem.mend)")
        }
    }

    private static let head = [
        "", "machine", "version", "processor", "GFLOP/s", "memory", "disk", "clock", "data set",
        "to coordinator", "from it", "round trip",
    ]

    private func row(_ visit: HostVisit) -> [String] {
        let facts = visit.facts
        return [
            ailing.contains(visit.name) ? "MEND" : "ok", visit.name, visit.version ?? "?",
            facts.map { "\($0.processors) x \($0.instructionSets.last ?? "none")" } ?? "?",
            facts.map { "\(Int($0.gigaflops.rounded()))" } ?? "?",
            facts.map { "\($0.availableMemory >> 20) MiB" } ?? "?",
            facts.map { "\($0.freeDisk >> 30) GiB" } ?? "?", clock(visit), dataSet(visit),
            reach(visit) { megabytes($0.bytesPerSecond) }, reach(visit) { megabytes($0.bytesPerSecondBack) },
            reach(visit) { "\(tenths(1000 * $0.roundTripSeconds)) ms" },
        ]
    }

    private func clock(_ visit: HostVisit) -> String {
        guard visit.name != visits.first?.name else { return "" }
        guard let clock = visit.clock else { return "?" }
        let milliseconds = 1000 * clock.seconds
        let difference = abs(milliseconds) < 1000 ? "\(tenths(milliseconds)) ms" : "\(tenths(clock.seconds)) s"
        return "\(milliseconds > 0 ? "+" : "")\(difference)"
    }

    private func dataSet(_ visit: HostVisit) -> String {
        guard let facts = visit.facts else { return "?" }
        // The coordinator's machine pulls nothing: nobody said which set it has.
        guard let manifests = facts.manifests else { return visit.name == visits.first?.name ? "" : "pulled" }
        return manifests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.prefix(8))" }.joined(separator: ", ")
    }

    private func reach(_ visit: HostVisit, _ text: (HostReach) -> String) -> String {
        guard visit.name != visits.first?.name else { return "" }
        return visit.reach.map(text) ?? "?"
    }

    private func megabytes(_ bytesPerSecond: Double) -> String { "\(tenths(bytesPerSecond / 1e6)) MB/s" }
}
