import Launch
import Testing

@Suite("What is wrong with a cluster, by what its machines told")
struct ClusterCheckupTests {
    private let facts = HostFacts(
        instructionSets: ["baseline", "avx2"], processors: 4, gigaflops: 200, availableMemory: 8 << 30,
        freeDisk: 100 << 30, manifests: ["train": "aa", "val": "bb"], problems: [])

    private func visit(_ name: String, _ change: (inout HostVisit) -> Void = { _ in }) -> HostVisit {
        var visit = HostVisit(
            name: name, version: "1.0", clock: ClockDifference(seconds: 0.001, within: 0.002), facts: facts,
            reach: HostReach(bytesPerSecond: 117e6, bytesPerSecondBack: 11e6, roundTripSeconds: 0.0003))
        change(&visit)
        return visit
    }

    private func findings(_ change: (inout HostVisit) -> Void) -> [ClusterCheckup.Finding] {
        ClusterCheckup(here: visit("this machine"), hosts: [visit("a"), visit("b", change)]).findings
    }

    @Test("Machines that agree have nothing to mend, with or without the data set")
    func wellAndAlike() {
        #expect(findings { _ in } == [])
        #expect(findings { $0.facts?.manifests = nil } == [])
    }

    @Test("Each thing that differs is named once, with the machine that is to be mended")
    func whatDiffers() throws {
        func only(_ thing: String, _ reason: String, _ change: (inout HostVisit) -> Void) throws {
            let found = findings(change)
            try #require(found.count == 1, "\(thing): \(found)")
            #expect(found[0].host == "b" && found[0].problem.thing == thing)
            #expect(found[0].problem.reason.contains(reason), "\(found[0])")
            #expect(!found[0].problem.mend.isEmpty)
        }
        try only("version", "0.9 there, 1.0 here") { $0.version = "0.9" }
        try only("processor", "runs baseline at most") { $0.facts?.instructionSets = ["baseline"] }
        try only("clock", "90.0 s ahead of") { $0.clock = ClockDifference(seconds: 90, within: 0.1) }
        try only("clock", "5.0 s behind") { $0.clock = ClockDifference(seconds: -5, within: 0.1) }
        try only("memory", "1024 MiB") { $0.facts?.availableMemory = 1 << 30 }
        try only("disk", "10 MiB") { $0.facts?.freeDisk = 10 << 20 }
        try only("data set", "another than on this machine: val differ") { $0.facts?.manifests?["val"] = "cc" }
        try only("data set", "val differ") { $0.facts?.manifests?["val"] = nil }
        try only("ulimit", "too low") {
            $0.facts?.problems = [HostProblem(thing: "ulimit", reason: "too low", mend: "raise it")]
        }
        try only("b", "cannot be reached") {
            $0 = HostVisit(
                name: "b", problems: [HostProblem(thing: "b", reason: "cannot be reached", mend: "try by hand")])
        }
    }

    @Test("A wider processor than the coordinator's is none the worse; one second is not yet a difference of clocks")
    func notWorse() {
        #expect(findings { $0.facts?.instructionSets = ["baseline", "avx2", "avx512"] } == [])
        #expect(findings { $0.clock = ClockDifference(seconds: 1, within: 0) } == [])
        // A slow way there leaves half of it unknown.
        #expect(findings { $0.clock = ClockDifference(seconds: -2.5, within: 1.6) } == [])
        #expect(findings { $0.clock = ClockDifference(seconds: -2.5, within: 1.4) }.count == 1)
    }

    @Test("Without a data set on the coordinator's machine, the first host that has one has the say")
    func reference() {
        let here = visit("this machine") { $0.facts?.manifests = nil }
        let other = visit("b") { $0.facts?.manifests = ["train": "zz", "val": "bb"] }
        let checkup = ClusterCheckup(here: here, hosts: [visit("a"), other])
        #expect(checkup.findings.map(\.host) == ["b"])
        #expect(checkup.findings[0].problem.reason == "another than on a: train differ")
    }

    @Test("The shortest of several round trips says how far a clock is off, and how sure that is")
    func clocks() throws {
        #expect(ClockDifference([]) == nil)
        let difference = try #require(
            ClockDifference([(sent: 10, there: 100, received: 18), (sent: 20, there: 110.5, received: 20.5)]))
        #expect(difference == ClockDifference(seconds: 90.25, within: 0.25))
    }

    @Test("The table has a row for each machine, in columns, and a question mark for what nobody knows")
    func table() {
        let lost = HostVisit(name: "b", problems: [HostProblem(thing: "b", reason: "is gone", mend: "look")])
        let checkup = ClusterCheckup(here: visit("this machine"), hosts: [visit("a"), lost])
        #expect(
            checkup.table == """
                      machine       version  processor  GFLOP/s  memory    disk     clock    data set          to coordinator  from it    round trip
                ok    this machine  1.0      4 x avx2   200      8192 MiB  100 GiB           train aa, val bb
                ok    a             1.0      4 x avx2   200      8192 MiB  100 GiB  +1.0 ms  train aa, val bb  117.0 MB/s      11.0 MB/s  0.3 ms
                MEND  b             ?        ?          ?        ?         ?        ?        ?                 ?               ?          ?
                """)
        #expect(checkup.lines == ["MEND b: is gone; look"])
        let without = ClusterCheckup(
            here: visit("this machine") { $0.facts?.manifests = nil }, hosts: [visit("a") { $0.facts?.manifests = nil }]
        )
        #expect(without.table.split(separator: "\n").map { $0.contains("pulled") } == [false, false, true])
    }
}
