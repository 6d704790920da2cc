import Coordinator
import Foundation
import TestSupport
import Testing

/// A coordinator that cannot listen leaves the run as it was.
@Suite("Ports that are taken", .serialized, .timeLimit(.minutes(2)))
struct TakenPortTests {
    /// The option that names a port, and the fault about it.
    enum Place: CaseIterable {
        case workers, page

        func option(_ port: Int) -> [String] {
            switch self {
            case .workers: ["--listen", "tcp://127.0.0.1:\(port)"]
            case .page: ["--dashboard", "127.0.0.1:\(port)"]
            }
        }

        func fault(_ port: Int) -> String {
            switch self {
            case .workers: "tcp://127.0.0.1:\(port): cannot listen there: the port is in use; stop the process"
            case .page: "--dashboard: cannot listen on 127.0.0.1:\(port): the port is in use; stop the process"
            }
        }
    }

    private func train(_ run: String, _ place: Place, _ port: TakenPort, _ more: String...) throws -> Program.Result {
        try Program.start(MotionRun.arguments(run: run, workers: 1) + place.option(port.number) + more).wait()
    }

    private func files(_ run: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: run).sorted()
    }

    @Test("A new run: named with reason and mend, 64, and nothing is written", arguments: Place.allCases)
    func newRun(place: Place) throws {
        let port = try TakenPort()
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let refused = try train(run, place, port)
            #expect(refused.status == 64)
            #expect(refused.errors.contains(place.fault(port.number)), "\(refused.errors)")
            #expect(try files(run) == ["lock"])
        }
    }

    @Test(
        "A begun run keeps its generation, and a run that was to be taken over its coordinator",
        arguments: Place.allCases)
    func begunRun(place: Place) throws {
        let port = try TakenPort()
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let holder = try RunDirectory(run)
            let generation = try text(of: run + "/generation")
            // Who holds the run is the nearer reason.
            #expect(try train(run, place, port).errors.contains("--take-over"))
            let refused = try train(run, place, port, "--take-over")
            #expect(refused.status == 64)
            #expect(refused.errors.contains(place.fault(port.number)), "\(refused.errors)")
            try holder.fence.check()
            #expect(try text(of: run + "/generation") == generation)
            #expect(try files(run) == ["generation", "lock"])
        }
    }
}
