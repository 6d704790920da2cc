import Foundation
import TestSupport
import Testing

/// Workers whose folders lack the shards, as processes: the same weights, whatever their caches go through.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PulledClipsTests {
    /// The set cut into shards of a few clips.
    private func pack(_ folder: String) throws -> String {
        let packed = folder + "/packed"
        let made = try Program.run(
            "data", "pack", "--list", try MotionRun.data.get() + "/train.csv", "--split", "train", "--out", packed,
            "--shard-size", "30kB", "--json")
        try #require(made.status == 0, "\(made.errors)")
        return packed
    }

    private func shards(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".mdb") }.sorted()
    }

    private func bytes(_ path: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: path)).count }

    @Test func aCacheOfTwoShardsAndOneThatRots() throws {
        try withTemporaryFolder { folder in
            let packed = try pack(folder)
            let sizes = try shards(packed + "/train").map { try bytes(packed + "/train/" + $0) }
            let limit = 2 * (sizes.max() ?? 0)
            try #require(sizes.reduce(0, +) > 2 * limit, "the set is too small to try this: \(sizes)")
            // A folder with everything but the shards.
            let bare = folder + "/bare"
            try FileManager.default.createDirectory(atPath: bare + "/train", withIntermediateDirectories: true)
            for name in ["dataset.toml", "train/manifest"] {
                try FileManager.default.copyItem(atPath: packed + "/" + name, toPath: bare + "/" + name)
            }
            let run = folder + "/run"
            let arguments = try MotionRun.arguments(run: run, workers: 1, MotionRun.longer)
            var training = arguments
            training[try #require(training.firstIndex(of: "--data")) + 1] = packed
            let trained = try Program.start(training)
            let status = try MotionRun.status(of: run) { ($0["members"] as? [Any])?.count == 1 }
            _ = status
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            func worker(_ name: String, _ more: String...) throws -> Running {
                try Program.start(
                    [
                        "worker", "--join", endpoint, "--threads", "1", "--name", name, "--data", bare, "--cache",
                        folder + "/" + name,
                    ] + more)
            }
            let bounded = try worker("bounded", "--cache-limit", "\(limit)")
            let rotting = try worker("rotting")
            // Whatever arrives in the cache of this one rots at once, a few times.
            var rotten: Set<String> = []
            while trained.process.isRunning, rotten.count < 3 {
                for name in (try? FileManager.default.contentsOfDirectory(atPath: folder + "/rotting")) ?? []
                where name.count == 64 && !rotten.contains(name) && rotten.count < 3 {
                    try rotVideos(folder + "/rotting/" + name)
                    rotten.insert(name)
                }
                // The processors are the run's.
                usleep(5000)
            }
            #expect(try MotionRun.hash(trained.wait()) == MotionRun.undisturbedLonger.get())
            let (boundedResult, rottingResult) = (bounded.wait(), rotting.wait())
            #expect(boundedResult.status == 0, "\(boundedResult.errors)")
            #expect(rottingResult.status == 0, "\(rottingResult.errors)")
            let held = try FileManager.default.contentsOfDirectory(atPath: folder + "/bounded")
                .map { try bytes(folder + "/bounded/" + $0) }
            #expect(held.reduce(0, +) <= limit)
            #expect(held.contains { $0 > 0 })
            #expect(boundedResult.errors.contains("shards: they are pulled from others"))
            #expect(rotten.count == 3)
            #expect(rottingResult.errors.contains("dropped from the cache and pulled again"), "\(rottingResult.errors)")
        }
    }

    @Test func aCacheTooSmallForAShardEndsTheWorkerWithAReason() throws {
        try withTemporaryFolder { folder in
            let packed = try pack(folder)
            let bare = folder + "/bare"
            try FileManager.default.createDirectory(atPath: bare + "/train", withIntermediateDirectories: true)
            for name in ["dataset.toml", "train/manifest"] {
                try FileManager.default.copyItem(atPath: packed + "/" + name, toPath: bare + "/" + name)
            }
            let run = folder + "/run"
            var training = try MotionRun.arguments(run: run, workers: 1, "schedule.steps=1000")
            training[try #require(training.firstIndex(of: "--data")) + 1] = packed
            let trained = try Program.start(training)
            _ = try MotionRun.status(of: run) { ($0["members"] as? [Any])?.count == 1 }
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            let result = try Program.run(
                "worker", "--join", endpoint, "--data", bare, "--cache", folder + "/cache", "--cache-limit", "20kB")
            #expect(result.status == 64)
            #expect(result.errors.contains("a cache of 20000 bytes cannot hold train/shard-"), "\(result.errors)")
            trained.kill(SIGTERM)
            #expect(trained.wait().status == 75)
        }
    }

    /// Flips a bit in each page that begins with a video's box or holds one's bytes: records rot, the tree between them does not.
    private func rotVideos(_ path: String) throws {
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        guard let handle = FileHandle(forUpdatingAtPath: path) else { return }
        defer { try? handle.close() }
        // H.264 in MP4: the box with the pictures.
        var from = content.startIndex
        while let box = content.range(of: Data("mdat".utf8), in: from..<content.endIndex) {
            let place = box.upperBound + 20
            guard place < content.endIndex else { return }
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: Data([content[place] ^ 1]))
            from = box.upperBound
        }
    }
}
