import Coordinator
import Foundation
import Protocol
import Storage
import TestSupport
import Testing

/// Launches that are over before any host is visited.
@Suite("Keys of a launch that fails", .timeLimit(.minutes(2)))
struct LaunchKeysTests {
    /// Its coordinator finds no data set.
    private func fail(_ folder: String) throws -> Program.Result {
        try """
        [coordinator]
        address = "tcp://127.0.0.1:\(try freePort())"
        [launch]
        hosts = ["127.0.0.2"]

        """.write(toFile: folder + "/cluster.conf", atomically: true, encoding: .utf8)
        let result = try Program.run(
            "launch", "--config", folder + "/cluster.conf", "--recipe",
            sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "--data", folder + "/nowhere", "--run",
            folder + "/run")
        #expect(result.status == 64 || result.status == 65, "\(result.errors)")
        return result
    }

    @Test("Where the run did not begin they go again, and the folder with them")
    func notBegun() throws {
        try withTemporaryFolder { folder in
            let result = try fail(folder)
            #expect(!pathExists(folder + "/run"))
            #expect(result.errors.contains("the run has not begun"), "\(result.errors)")
        }
    }

    @Test("A folder that was there before stays, and so do keys that were")
    func others() throws {
        try withTemporaryFolder { folder in
            try makeDirectories(folder + "/run")
            _ = try fail(folder)
            #expect(try directoryNames(folder + "/run") == [])
            try Keys.create(folder + "/run/keys")
            _ = try fail(folder)
            _ = try Keys.read(folder + "/run/keys", as: .coordinator)
        }
    }

    @Test("Those of a run that has begun stay for the next launch")
    func begun() throws {
        try withTemporaryFolder { folder in
            _ = try RunDirectory(folder + "/run")
            _ = try fail(folder)
            _ = try Keys.read(folder + "/run/keys", as: .coordinator)
        }
    }
}
