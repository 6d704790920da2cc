import Foundation
import TestSupport
import Testing

/// `zoetrope doctor --config` through a real sshd, whose addresses on loopback are the hosts.
@Suite("A doctor between the hosts of a cluster", .serialized, .timeLimit(.minutes(5)))
struct ClusterDoctorTests {
    private struct Lab {
        let folder: String
        let shell: SecureShell
        let port: Int

        func doctor(_ launch: String, _ more: String...) throws -> Program.Result {
            let path = folder + "/cluster.conf"
            try """
            [coordinator]
            address = "tcp://127.0.0.1:\(port)"
            [launch]
            ssh = \(shell.command)
            program = "\(Program.path)"
            \(launch)

            """.write(toFile: path, atomically: true, encoding: .utf8)
            return try Program.start(["doctor", "--config", path, "--seconds", "0.2"] + more).wait()
        }

        var leftovers: [String] { (try? FileManager.default.contentsOfDirectory(atPath: shell.runtime)) ?? ["?"] }

        /// A program that stands before ours on a host.
        func wrapper(_ name: String, _ line: String) throws -> String {
            let path = folder + "/" + name
            try "#!/bin/sh\n\(line)\n".write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            return path
        }
    }

    private func withLab<T>(_ body: (Lab) throws -> T) throws -> T {
        try withTemporaryFolder { folder in
            let lab = Lab(folder: folder, shell: try SecureShell(folder), port: try freePort())
            defer { lab.shell.stop() }
            return try body(lab)
        }
    }

    private func machines(_ result: Program.Result) -> [[String: Any]] {
        result.json["machines"] as? [[String: Any]] ?? []
    }

    /// Machine and thing of each finding, and all that was said of it.
    private func findings(_ result: Program.Result) -> [(machine: String, thing: String, text: String)] {
        (result.json["findings"] as? [[String: String]] ?? []).map {
            ($0["machine"] ?? "", $0["thing"] ?? "", ($0["reason"] ?? "") + "; " + ($0["mend"] ?? ""))
        }
    }

    @Test("Hosts that are alike: a row each with what was measured, exit code 0, nothing left behind")
    func well() throws {
        try withLab { lab in
            let data = try MotionRun.data.get()
            let hosts = "hosts = [\"127.0.0.2\", \"127.0.0.3\"]"
            let result = try lab.doctor(hosts, "--data", data, "--json")
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(findings(result).isEmpty)
            let found = machines(result)
            try #require(found.map { $0["machine"] as? String } == ["this machine", "127.0.0.2", "127.0.0.3"])
            for host in found.dropFirst() {
                #expect(host["manifests"] as? [String: String] == found[0]["manifests"] as? [String: String])
                // One machine is all hosts: its clock is its own, as far as that can be told.
                let clock = try #require(host["clock_s"] as? Double)
                let within = try #require(host["clock_within_s"] as? Double)
                #expect(abs(clock) <= within + 1e-3, "\(clock) +- \(within)")
                for way in ["bytes_per_s", "bytes_per_s_back"] { #expect(host[way] as? Double ?? 0 > 0) }
                #expect(host["round_trip_s"] as? Double ?? 100 < 30)
                #expect(host["memory_bytes"] as? Int ?? 0 > 1 << 20 && host["disk_bytes"] as? Int ?? 0 > 0)
            }
            #expect((found[0]["manifests"] as? [String: String])?.isEmpty == false)
            #expect(lab.leftovers == [])
            let table = try lab.doctor(hosts)
            #expect(table.status == 0 && table.output.split(separator: "\n").count == 4, "\(table.output)")
        }
    }

    @Test("With the coordinator on a host, that host is the one that the others are held against and measured to")
    func coordinatorElsewhere() throws {
        try withLab { lab in
            let late = try lab.wrapper("late", "exec /usr/bin/faketime -f -90s \(Program.path) \"$@\"")
            // Of one clock, which is not this machine's: nobody among them is late.
            func hosts(_ coordinator: String) -> String {
                """
                coordinator = "\(coordinator)"
                [[launch.host]]
                name = "a"
                address = "127.0.0.2"
                program = "\(late)"
                [[launch.host]]
                name = "b"
                address = "127.0.0.3"
                program = "\(late)"
                """
            }
            let data = try MotionRun.data.get()
            let result = try lab.doctor(hosts("b"), "--data", data, "--json")
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            let found = machines(result)
            try #require(found.map { $0["machine"] as? String } == ["b, coordinator", "a", "b"])
            #expect((found[0]["manifests"] as? [String: String])?.isEmpty == false)
            for host in found.dropFirst() { #expect(host["bytes_per_s_back"] as? Double ?? 0 > 1e6) }
            #expect(lab.leftovers == [])
            // The port is tried there, and not here.
            let taken = try TakenPort(lab.port)
            defer { withExtendedLifetime(taken) {} }
            let other = try lab.doctor(hosts("127.0.0.4"), "--json")
            #expect(other.status == 64)
            let problems = findings(other)
            try #require(problems.map(\.machine) == ["127.0.0.4, coordinator", "a", "b"], "\(problems)")
            #expect(problems[0].thing == "coordinator.address" && problems[0].text.contains("in use"), "\(problems)")
            #expect(problems[1].thing == "clock", "\(problems)")
        }
    }

    @Test(
        "A host that does not answer, one without the program and one of another version are named; the others are examined"
    )
    func unreachable() throws {
        try withLab { lab in
            let other = try lab.wrapper("other", "printf '\\002zoetrope 0.0.9\\n'; exec cat")
            let old = try lab.wrapper("old", "echo \"error: unexpected argument 'examine-host'\" >&2; exit 64")
            let result = try lab.doctor(
                """
                hosts = ["127.0.0.2", "127.0.0.99"]
                [[launch.host]]
                name = "bare"
                address = "127.0.0.3"
                program = "/nowhere/zoetrope"
                [[launch.host]]
                name = "other"
                address = "127.0.0.3"
                program = "\(other)"
                [[launch.host]]
                name = "old"
                address = "127.0.0.4"
                program = "\(old)"
                """, "--json")
            #expect(result.status == 64, "\(result.output)\(result.errors)")
            #expect(result.errors.contains("4 of 6 machines are not as they should be"), "\(result.errors)")
            let found = findings(result)
            try #require(found.map(\.machine) == ["127.0.0.99", "bare", "other", "old"], "\(found)")
            #expect(found[0].text.contains("cannot be reached") && found[0].text.contains("refused"), "\(found[0])")
            #expect(found[1].text.contains("has no program to start (127)"), "\(found[1])")
            #expect(found[2].thing == "version" && found[2].text.contains("zoetrope 0.0.9 there"), "\(found[2])")
            #expect(found[3].text.contains("does not know how to answer"), "\(found[3])")
            #expect(machines(result)[1]["bytes_per_s"] as? Double ?? 0 > 0)
            #expect(machines(result)[2]["processors"] is NSNull)
            let text = try lab.doctor("hosts = [\"127.0.0.2\", \"127.0.0.99\"]")
            let line = text.output.split(separator: "\n").first { $0.hasPrefix("MEND 127.0.0.99: cannot be reached") }
            #expect(line?.contains("this is to work without a password: /usr/bin/ssh -F ") == true, "\(text.output)")
        }
    }

    @Test("A clock that is off is found by how much (Debian's faketime)")
    func clock() throws {
        let faketime = "/usr/bin/faketime"
        try #require(FileManager.default.isExecutableFile(atPath: faketime), "no \(faketime): run 'scripts/setup test'")
        try withLab { lab in
            let late = try lab.wrapper("late", "exec \(faketime) -f -90s \(Program.path) \"$@\"")
            let result = try lab.doctor(
                """
                hosts = ["127.0.0.2"]
                [[launch.host]]
                name = "late"
                address = "127.0.0.3"
                program = "\(late)"
                """, "--json")
            #expect(result.status == 64, "\(result.output)\(result.errors)")
            let found = findings(result)
            try #require(found.map(\.machine) == ["late"], "\(found)")
            #expect(found[0].thing == "clock" && found[0].text.contains(" s behind the coordinator's"), "\(found)")
            let clock = try #require(machines(result)[2]["clock_s"] as? Double)
            let within = try #require(machines(result)[2]["clock_within_s"] as? Double)
            // What the round trip leaves open, and the tenth of a second that faketime may take to begin.
            #expect(abs(clock + 90) <= within + 0.2, "\(clock) +- \(within)")
        }
    }

    @Test("Another data set on a host, one whose manifest was changed, and one that is not where it should be")
    func data() throws {
        try withLab { lab in
            let here = try MotionRun.data.get()
            let other = lab.folder + "/other"
            let made = try Program.run(
                "data", "synth", "--out", other, "--classes", "2", "--clips-per-class", "8", "--seconds", "1", "--size",
                "32", "--seed", "99")
            try #require(made.status == 0, "\(made.errors)")
            let damaged = lab.folder + "/damaged"
            try FileManager.default.copyItem(atPath: here, toPath: damaged)
            let manifest = damaged + "/train/manifest"
            try (try text(of: manifest) + "\n").write(toFile: manifest, atomically: true, encoding: .utf8)
            func host(_ number: Int, _ name: String, _ data: String) -> String {
                "[[launch.host]]\nname = \"\(name)\"\naddress = \"127.0.0.\(number)\"\ndata = \"\(data)\"\n"
            }
            let result = try lab.doctor(
                host(2, "other", other) + host(3, "damaged", damaged) + host(4, "none", lab.folder + "/none")
                    + host(2, "same", here), "--data", here, "--json")
            #expect(result.status == 64, "\(result.output)\(result.errors)")
            let found = findings(result)
            try #require(found.map(\.machine) == ["other", "damaged", "none"], "\(found)")
            #expect(
                found[0].thing == "data set" && found[0].text.contains("another than on this machine"), "\(found[0])")
            #expect(found[1].thing == manifest, "\(found[1])")
            #expect(found[2].text.contains("is not there"), "\(found[2])")
        }
    }

    @Test(
        "A port that is taken, and keys that others may read: named for this machine, and the hosts are examined all the same"
    )
    func portsAndKeys() throws {
        try withLab { lab in
            let taken = try TakenPort(lab.port)
            defer { withExtendedLifetime(taken) {} }
            var result = try lab.doctor("hosts = [\"127.0.0.2\"]", "--json")
            #expect(result.status == 64, "\(result.output)\(result.errors)")
            var found = findings(result)
            try #require(found.map(\.machine) == ["this machine"], "\(found)")
            #expect(found[0].thing == "coordinator.address" && found[0].text.contains("the port is in use"), "\(found)")
            // Measured at another port.
            #expect(machines(result)[1]["bytes_per_s"] as? Double ?? 0 > 0)

            let keys = lab.folder + "/keys"
            try #require(try Program.run("keys", keys).status == 0)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keys + "/worker.key")
            result = try lab.doctor("hosts = [\"127.0.0.2\"]", "--keys", keys, "--json")
            found = findings(result)
            try #require(found.map(\.machine) == ["this machine"], "\(found)")
            #expect(found[0].thing == keys + "/worker.key" && found[0].text.contains("chmod 600"), "\(found)")
            #expect(machines(result)[1]["processors"] as? Int ?? 0 > 0)
            #expect(machines(result)[1]["bytes_per_s"] is NSNull)
            #expect(lab.leftovers == [])
        }
    }
}
