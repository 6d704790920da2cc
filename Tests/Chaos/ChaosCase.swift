/// One fault, by its number in the table of docs/operations.md; from 31 on, one thing to measure.
package struct ChaosCase: Sendable {
    /// What a case needs of the machine beyond processes.
    package enum Need: Sendable {
        case nothing
        /// Network namespaces, veth and tc.
        case namespaces
        /// cgroup v1.
        case controlGroups
        /// tmpfs.
        case mounts
        /// Debian's faketime.
        case fakeClock
    }

    package let number: Int
    package let name: String
    package let needs: Need
    let body: @Sendable (Lab) throws -> Void

    /// Whether this machine can run it.
    package var isPossible: Bool { needs.missing == nil }

    init(_ number: Int, _ name: String, needs: Need = .nothing, _ body: @escaping @Sendable (Lab) throws -> Void) {
        self.number = number
        self.name = name
        self.needs = needs
        self.body = body
    }

    /// In the order of the table.
    package static let all: [ChaosCase] =
        (workerCases + coordinatorCases + networkCases + resourceCases + diskCases + dataCases + wireCases + swarmCases
        + clipCases + clockCases + scalingCases)
        .sorted {
            $0.number < $1.number
        }

    /// A run whose recipe differs from the one it is held against: the harness must call it failed.
    package static let plantedDifference = ChaosCase(0, "planted-difference") { lab in
        lab.recipe.steps = 4
        let right = lab.recipe
        lab.recipe.more = ["seed=2"]
        try lab.begin(workers: 1, warmUp: 1)
        lab.recipe = right
        try lab.expectUndisturbed()
    }

    package enum Verdict: Equatable {
        case passed
        case failed(String)
        /// This machine cannot run it: never a pass.
        case skipped(String)
    }

    /// Runs the case.
    /// - Returns: The verdict, and what was measured on the way.
    package func run(in laboratory: Laboratory) throws -> (verdict: Verdict, lines: [String]) {
        if let reason = needs.missing { return (.skipped(reason), []) }
        let lab = try Lab(laboratory, case: name)
        defer { lab.close() }
        do {
            try body(lab)
            return (.passed, lab.lines)
        } catch {
            return (.failed("\(error)"), lab.lines)
        }
    }
}
