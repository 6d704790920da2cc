import Foundation
import TestSupport
import Testing

/// Real processes with keys: strangers come by every port while a run is under way.
@Suite("Strangers at a run with keys", .serialized, .timeLimit(.minutes(10)))
struct StrangersTests {
    private func arguments(data: String, run: String, workers: Int) -> [String] {
        [
            "train", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
            "input.crop=28", "batch.units=4", "batch.clips_per_unit=2", "schedule.steps=100",
            "checkpoint.every_steps=10", "--data", data, "--run", run, "--workers", "\(workers)", "--json",
        ]
    }

    private func endpoint(of run: String) throws -> String {
        try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Asks with the job's keys until `condition` holds; the asking takes time enough between two looks.
    private func status(
        of run: String, _ keys: String, until condition: ([String: Any]) -> Bool
    ) throws -> [String: Any] {
        let deadline = Date().addingTimeInterval(60)
        var last = ""
        while Date() < deadline {
            guard let endpoint = try? endpoint(of: run) else { continue }
            let answer = try Program.run("status", "--join", endpoint, "--keys", keys, "--json")
            if answer.status == 0, condition(answer.json) { return answer.json }
            last = answer.errors
        }
        throw TimedOut(last: last)
    }

    private struct TimedOut: Error { let last: String }

    /// The addresses at which a process listens, as the kernel has them.
    private func listening(_ process: Int) throws -> [String] {
        let folder = "/proc/\(process)/fd"
        let sockets = Set(
            try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
            })
        return try text(of: "/proc/\(process)/net/tcp").split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", sockets.contains("socket:[\(fields[9])]"),
                let port = fields[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) })
            else { return nil }
            // Nothing but the loopback: the address is printed as the machine has it in memory.
            #expect(fields[1].hasPrefix("0100007F"), "\(line)")
            return "tcp://127.0.0.1:\(port)"
        }
    }

    @Test("No key, a wrong key and garbage are refused and counted; the weights are those of a run without keys")
    func strangers() throws {
        try withTemporaryFolder { folder in
            let data = folder + "/data"
            let made = try Program.run(
                "data", "synth", "--out", data, "--classes", "2", "--clips-per-class", "8", "--seconds", "1", "--size",
                "32", "--seed", "3")
            try #require(made.status == 0, "\(made.errors)")
            let open = try Program.start(arguments(data: data, run: folder + "/open", workers: 2)).wait()
            try #require(open.status == 0, "\(open.errors)")

            let keys = folder + "/keys"
            #expect(try Program.run("keys", keys).status == 0)
            #expect(try Program.run("keys", keys).status == 64)
            // Knows what is public of the job, has secrets of its own.
            let wrong = folder + "/wrong"
            #expect(try Program.run("keys", wrong).status == 0)
            try FileManager.default.removeItem(atPath: wrong + "/coordinator.pub")
            try FileManager.default.copyItem(atPath: keys + "/coordinator.pub", toPath: wrong + "/coordinator.pub")

            let run = folder + "/keyed"
            let training = try Program.start(arguments(data: data, run: run, workers: 2) + ["--keys", keys])
            let seen = try status(of: run, keys) {
                ($0["step"] as? Int ?? 0) >= 1 && ($0["members"] as? [Any])?.count == 2
            }
            #expect(seen["turned_away"] as? Int == 0)
            let endpoint = try endpoint(of: run)

            for command in ["stop", "status"] {
                #expect(try Program.run(command, "--join", endpoint).status == 64)
                let forged = try Program.run(command, "--join", endpoint, "--keys", wrong)
                #expect(forged.status == 64)
                #expect(forged.errors.contains("does not know our key"), "\(forged.errors)")
            }
            let stranger = try Program.run("worker", "--join", endpoint, "--keys", wrong, "--threads", "1")
            #expect(stranger.status == 64)
            #expect(try Program.run("worker", "--join", endpoint, "--threads", "1").status == 64)

            let members = try #require(seen["members"] as? [[String: Any]]).compactMap { $0["pid"] as? Int }
            var ports = [endpoint]
            for process in members { ports += try listening(process) }
            #expect(ports.count == 3)
            let nonsense = (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ 3) }
            for port in ports {
                for bytes in [Array("GET / HTTP/1.1\r\n\r\n".utf8), nonsense, [0xFF], []] {
                    let raw = try RawConnection(port)
                    _ = bytes.isEmpty || raw.send(bytes)
                    raw.finish()
                }
            }
            // Two each of status and stop, two workers, four pieces of garbage.
            let after = try status(of: run, keys) { ($0["turned_away"] as? Int ?? 0) >= 10 }
            #expect((after["members"] as? [Any])?.count == 2)
            #expect((after["step"] as? Int ?? 100) < 100, "the run was over before the last stranger came")

            // Where a secret must not be: argument lists, the run's folder, what is printed.
            let secrets = try ["coordinator", "worker", "operator"].map { role in
                try String(#require(try text(of: "\(keys)/\(role).key").split(separator: "\n").last))
            }
            var exposed = try members.map { try text(of: "/proc/\($0)/cmdline") }
            exposed.append(try text(of: "/proc/\(training.pid)/cmdline"))
            let result = training.wait()
            exposed += [result.output, result.errors, try text(of: run + "/recipe.toml")]
            for secret in secrets { #expect(!exposed.contains { $0.contains(secret) }) }

            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("127.0.0.1: turned away: its key is not on the list"), "\(result.errors)")
            #expect(result.json["weights_sha256"] as? String == open.json["weights_sha256"] as? String)
            #expect(result.json["weights_sha256"] is String)
        }
    }

    @Test("Without keys nothing but this machine is listened on or joined; keys that others may read are refused")
    func refusals() throws {
        try withTemporaryFolder { folder in
            // Of the documentation's network (RFC 5737): nobody's.
            let away = try Program.run("worker", "--join", "tcp://192.0.2.1:5570", "--threads", "1")
            #expect(away.status == 64)
            #expect(away.errors.contains("zoetrope keys"), "\(away.errors)")
            let keys = folder + "/keys"
            #expect(try Program.run("keys", keys).status == 0)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: keys + "/operator.key")
            let loose = try Program.run("status", "--join", "tcp://127.0.0.1:1", "--keys", keys)
            #expect(loose.status == 64)
            #expect(loose.errors.contains("chmod 600"), "\(loose.errors)")
            let both = try Program.run("status", "--join", "tcp://127.0.0.1:1", "--keys", keys, "--insecure")
            #expect(both.status == 64)
            let loud = try Program.run("status", "--join", "tcp://127.0.0.1:1", "--insecure")
            #expect(loud.status == 75)
            #expect(loud.errors.contains("INSECURE"))
        }
    }
}
