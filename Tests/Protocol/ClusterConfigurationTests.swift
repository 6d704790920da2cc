import Configuration
import Faults
import Protocol
import TestSupport
import Testing

@Suite struct ClusterConfigurationTests {
    @Test func theSampleNamesEveryDefault() throws {
        let path = sourceTree + "/cluster.conf"
        let document = try Document(toml: try text(of: path), name: path)
        #expect(try ClusterConfiguration.read(document) == .standard)
        #expect(document.entries.count == 9 + 2 + 4 + 2)
    }

    @Test(arguments: [
        "[timeouts]\nsuspect = 20.0", "[worker]\nthread = 3", "[worker]\npin = 1", "[worker]\nthreads = \"two\"",
        "address = 3",
    ]) func whatIsWrongIsRefused(text: String) throws {
        let document = try Document(toml: text, name: "cluster.conf")
        #expect(throws: Fault.self) { try ClusterConfiguration.read(document) }
    }
}
