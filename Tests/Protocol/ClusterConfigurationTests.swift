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
        #expect(document.entries.count == 13 + 2 + 4 + 2 + 9)
    }

    @Test(arguments: [
        "[timeouts]\nsuspect = 20.0", "[worker]\nthread = 3", "[worker]\npin = 1", "[worker]\nrecompute = \"blocks\"",
        "[worker]\nthreads = \"two\"", "[worker]\nthreads = 1025", "[[launch.host]]\nname = \"a\"\nthreads = 1025",
        "address = 3", "[launch]\nhosts = [\"-oProxyCommand=x\"]", "[launch]\nhosts = [\"a\", \"a\"]",
        "[launch]\nhosts = [\"a b\"]", "[launch]\nhosts = [\"\"]", "[launch]\ncoordinator = \"-oProxyCommand=x\"",
        "[launch]\nhost = [\"a\"]", "[launch]\nssh = []",
        "[launch]\nprogram = \"\"", "[launch]\nport = 65536", "[[launch.host]]\naddress = \"a\"",
        "[[launch.host]]\nname = \"a\"\nadress = \"b\"", "[launch]\nhosts = [\"a\"]\n[[launch.host]]\nname = \"a\"",
    ]) func whatIsWrongIsRefused(text: String) throws {
        let document = try Document(toml: text, name: "cluster.conf")
        #expect(throws: Fault.self) { try ClusterConfiguration.read(document) }
    }

    @Test("A host takes what [launch] and [worker] say, but for what its own table says")
    func hosts() throws {
        let document = try Document(
            toml: """
                [worker]
                threads = 3
                data_host = "here"
                cache = "clips"
                [launch]
                hosts = ["a", "b.example.org"]
                user = "alice"
                program = "bin/zoetrope"
                options = ["-v"]
                data = "/data"
                [[launch.host]]
                name = "c"
                address = "bob@10.0.0.7"
                user = ""
                port = 2222
                threads = 16
                options = []
                data = "sets/motion"
                """, name: "/etc/zoetrope/cluster.conf")
        let launch = try ClusterConfiguration.read(document).launch
        #expect(launch.hosts.map(\.name) == ["a", "b.example.org", "c"])
        var expected = ClusterConfiguration.Host(name: "a")
        (expected.user, expected.program, expected.options, expected.data) = ("alice", "bin/zoetrope", ["-v"], "/data")
        #expect(launch.hosts[0] == expected)
        #expect(launch.hosts[0].address == "a")
        let other = launch.hosts[2]
        #expect((other.address, other.user, other.port) == ("bob@10.0.0.7", "", 2222))
        #expect((other.threads, other.options, other.data) == (16, [], "sets/motion"))
        #expect(launch.hosts[0].threads == nil)
        #expect(launch.coordinator == nil)
        func coordinator(_ name: String) throws -> ClusterConfiguration.Host? {
            let text = """
                [launch]
                hosts = ["a"]
                user = "alice"
                coordinator = "\(name)"
                [[launch.host]]
                name = "c"
                port = 2222
                """
            return try ClusterConfiguration.read(Document(toml: text, name: "cluster.conf")).launch.coordinator
        }
        #expect(try coordinator("c")?.port == 2222)
        // One that has no worker is reached as [launch] says.
        #expect(try coordinator("head")?.address == "head")
        #expect(try coordinator("head")?.user == "alice")
    }
}
