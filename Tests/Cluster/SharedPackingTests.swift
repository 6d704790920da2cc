import Acquisition
import Clips
import Curation
import Faults
import Foundation
import Protocol
import Storage
import Synchronization
import TestSupport
import Testing
import Video

/// `data pack` with workers as processes that share nothing with it but a socket.
@Suite("Packing on several machines", .serialized, .timeLimit(.minutes(5))) struct SharedPackingTests {
    /// Videos of a list: most sound, one damaged inside, one that is none, two with the same content.
    private struct Videos {
        let list: String

        init(_ folder: String, count: Int) throws {
            for i in 0..<count {
                var bytes = try motionVideo(
                    MotionClass.allCases[i % 2], seed: 1, number: UInt64(i == 5 ? 4 : i), frames: 20 + i % 7, size: 64)
                if i == 5 { bytes = try readWhole("\(folder)/04.mp4") }
                // The index stands at the end: behind the first frames, some are garbage.
                if i == 2 {
                    for k in bytes.count / 2..<bytes.count / 2 + 600 { bytes[k] = UInt8(truncatingIfNeeded: 31 * k) }
                }
                if i == 3 { bytes = Array("<html>not found</html>".utf8) }
                try writeWhole(bytes, to: "\(folder)/\(i < 10 ? "0" : "")\(i).mp4")
            }
            list = folder + "/list"
            try writeWhole((0..<count).map { "\($0 < 10 ? "0" : "")\($0).mp4 \($0 % 2)\n" }.joined(), to: list)
        }

        func arguments(_ out: String, _ profile: String, _ more: String...) -> [String] {
            [
                "data", "pack", "--list", list, "--split", "train", "--out", out, "--profile", profile, "--shard-size",
                "60000", "--json",
            ] + (profile == "keep" ? [] : ["--short-side", "48"]) + more
        }
    }

    private func problems(_ result: Program.Result, _ key: String) -> [String] {
        (result.json[key] as? [[String: Any]] ?? []).map { problem in
            ["name", "line", "reason"].map { "\(problem[$0] ?? "")" }.joined(separator: " ")
        }
    }

    private func expectSame(_ a: String, _ b: String) throws {
        let files = try directoryNames(a + "/train").sorted()
        #expect(try files == directoryNames(b + "/train").sorted() && files.count > 2, "\(files)")
        for file in files.map({ "train/" + $0 }) + ["dataset.toml"] {
            #expect(try readWhole(a + "/" + file) == readWhole(b + "/" + file), "\(file)")
        }
    }

    private func worker(_ name: String, _ endpoint: String, _ folder: String, _ more: String...) throws -> Running {
        try Program.start(helping(name, endpoint, folder) + more)
    }

    private func helping(_ name: String, _ endpoint: String, _ folder: String) throws -> [String] {
        try makeDirectories(folder + "/scratch")
        return [
            "data", "pack-worker", "--join", endpoint, "--name", name, "--jobs", "1", "--scratch", folder + "/scratch",
        ]
    }

    private static func profile(_ name: String) -> TrimProfile? {
        var profile = TrimProfile.all.first { $0.name == name }
        profile?.shortSide = 48
        return profile
    }

    /// What the command would say of the trial video, which it makes in a child.
    private func trial(_ profile: TrimProfile, _ folder: String) throws -> String {
        try writeWhole(
            try motionVideo(.clockwise, seed: 1, number: 1, frames: 40, size: 64), to: folder + "/trial-source")
        _ = try trimVideo(folder + "/trial-source", to: folder + "/trial", start: 0, seconds: nil, profile: profile)
        return "\(try fileDigest(folder + "/trial"))"
    }

    private final class Seen: Sendable {
        let helped = Mutex<[String: Int]>([:])
        let reissued = Mutex<Int>(0)
        let others = Mutex<[String]>([])
    }

    /// One of two workers is killed as soon as it has done something, with more on its hands: the other one comes then. Nobody
    /// does here what can be done elsewhere.
    @Test(arguments: ["keep", "fast", "vmz"]) func aWorkerIsKilledInTheMiddle(_ name: String) throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder, count: 16)
            let alone = try Program.start(videos.arguments(folder + "/alone", name, "--jobs", "1")).wait()
            try #require(alone.status == 0, "\(alone.errors)")

            var options = PackOptions()
            options.shardBytes = 60_000
            var assignment = PackAssignment(profile: name, shortSide: 0, description: "", seconds: 60, trial: "")
            if let profile = Self.profile(name) {
                assignment = PackAssignment(
                    profile: name, shortSide: profile.shortSide, description: profile.description, seconds: 60,
                    trial: try trial(profile, folder))
                options.profile = profile.description
                options.transcoding = Transcoding(name: profile.description) { source, target throws(Fault) in
                    do { _ = try trimVideo(source, to: target, start: 0, seconds: nil, profile: profile) } catch {
                        throw error as? Fault ?? Fault(.internal, source, "\(error)")
                    }
                }
            }
            let coordinator = Confined(
                try PackCoordinator(
                    PackCoordinator.Terms(assignment: assignment, libraries: VideoLibraries.versions, hands: 0),
                    listen: "tcp://127.0.0.1:0", security: .loopback))
            let endpoint = coordinator.value.endpoint
            let killed = try worker("killed", endpoint, folder)
            let steady = Mutex<Running?>(nil)
            let seen = Seen()
            options.sharing = { work throws(Fault) in
                try coordinator.value.run(work) { note in
                    switch note {
                    case .helped(_, let name):
                        let count = seen.helped.withLock { helped in
                            helped[name, default: 0] += 1
                            return helped[name]
                        }
                        if name == "killed", count == 1 { killed.kill() }
                    case .left("killed", let count):
                        seen.reissued.withLock { $0 = count }
                        steady.withLock { $0 = try? worker("steady", endpoint, folder) }
                    case .joined, .left: break
                    default: seen.others.withLock { $0.append("\(note)") }
                    }
                }
            }
            let report = try pack(ClipList(path: videos.list), split: "train", into: folder + "/set", options: options)
            #expect(killed.wait().status == SIGKILL)
            let second = steady.withLock { $0 }
            let result = try #require(second).wait()
            #expect(result.status == 0 && result.errors.contains("the packing is done"), "\(result.errors)")
            let helped = seen.helped.withLock(\.self)
            #expect(
                seen.reissued.withLock(\.self) >= 1 && seen.others.withLock(\.self).isEmpty,
                "\(seen.others.withLock(\.self))")
            #expect((helped["killed"] ?? 0) >= 1 && (helped["steady"] ?? 0) >= 5, "\(helped)")
            #expect(helped.values.reduce(0, +) == report.clips, "\(helped)")
            #expect(report.refused.contains { $0.name == "03.mp4" })
            try expectSame(folder + "/alone", folder + "/set")
            #expect(
                problems(alone, "refused") == report.refused.map { "\($0.name) \($0.line) \($0.reason)" })
            // What the killed worker left is removed by the next one, which leaves nothing.
            #expect(try directoryNames(folder + "/scratch").isEmpty)
        }
    }

    /// The commands as a user runs them, with keys; the worker is there first.
    @Test(arguments: ["keep", "fast"]) func theCommands(_ profile: String) throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder, count: 10)
            try Keys.create(folder + "/keys")
            let alone = try Program.start(videos.arguments(folder + "/alone", profile)).wait()
            try #require(alone.status == 0, "\(alone.errors)")
            let endpoint = "tcp://127.0.0.1:\(try freePort())"
            let keys = ["--keys", folder + "/keys"]
            let helper = try worker("helper", endpoint, folder, keys[0], keys[1])
            let packing = try Program.start(
                videos.arguments(folder + "/set", profile, "--jobs", "0", "--listen", endpoint, keys[0], keys[1]))
            let (packed, helped) = (packing.wait(), helper.wait())
            try #require(packed.status == 0, "\(packed.errors)")
            #expect(helped.status == 0, "\(helped.errors)")
            #expect(packed.errors.contains("workers may join at \(endpoint)"), "\(packed.errors)")
            #expect((packed.json["helped"] as? [String: Int])?["helper"] == packed.json["clips"] as? Int)
            for key in ["clips", "frames", "bytes", "sha256", "shards"] {
                #expect("\(packed.json[key] as Any)" == "\(alone.json[key] as Any)", "\(key)")
            }
            for key in ["refused", "damaged"] { #expect(problems(packed, key) == problems(alone, key), "\(key)") }
            #expect(problems(packed, "refused").contains { $0.hasPrefix("03.mp4 4 is not a video") })
            #expect(profile != "keep" || problems(packed, "damaged").count == 1, "\(problems(packed, "damaged"))")
            try expectSame(folder + "/alone", folder + "/set")
        }
    }

    /// Neither waits for a terminal that Ctrl-S has stopped.
    @Test func whatNobodyReadsHoldsNeitherPackingNorWorker() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder, count: 4)
            let endpoint = "tcp://127.0.0.1:\(try freePort())"
            let helper = try UnreadProgram(helping("helper", endpoint, folder))
            defer { helper.killIfRunning() }
            let packing = try UnreadProgram(
                videos.arguments(folder + "/set", "keep", "--jobs", "0", "--listen", endpoint))
            defer { packing.killIfRunning() }
            try #require(packing.code() == 0)
            #expect(helper.code() == 0)
            let result = packing.result.json
            #expect(result["clips"] as? Int == 3 && (result["helped"] as? [String: Int])?["helper"] == 3, "\(result)")
        }
    }

    /// SIGINT ends the packing, and the workers with it; what was found out stays.
    @Test func aPackingThatIsInterruptedEndsItsWorkersAndGoesOn() throws {
        try withTemporaryFolder { folder in
            // Enough that they take far longer than a signal.
            let videos = try Videos(folder, count: 150)
            let endpoint = "tcp://127.0.0.1:\(try freePort())"
            let packing = try Program.start(
                videos.arguments(folder + "/set", "fast", "--jobs", "0", "--listen", endpoint))
            let helper = try worker("helper", endpoint, folder)
            #expect(packing.errors.wait(for: "worker helper joined"))
            packing.kill(SIGINT)
            let (packed, helped) = (packing.wait(), helper.wait())
            #expect(packed.status == 75 && packed.errors.contains("was stopped"), "\(packed.errors)")
            #expect(helped.status == 75 && helped.errors.contains("the packing ended"), "\(helped.errors)")
            let again = try Program.start(videos.arguments(folder + "/set", "fast")).wait()
            #expect(again.status == 0, "\(again.errors)")
        }
    }

    @Test func aWorkerWithoutAPackingEndsWithWords() throws {
        try withTemporaryFolder { folder in
            let stranger = try worker("stranger", "tcp://10.1.2.3:7100", folder).wait()
            #expect(stranger.status == 64 && stranger.errors.contains("there are no keys"), "\(stranger.errors)")
            let keyed = try Program.run(
                "data", "pack", "--list", folder + "/list", "--split", "train", "--out", folder + "/set", "--keys",
                folder)
            #expect(keyed.status == 64 && keyed.errors.contains("add --listen"), "\(keyed.errors)")
        }
    }
}
