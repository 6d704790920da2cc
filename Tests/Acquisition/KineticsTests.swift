import Faults
import Foundation
import Storage
import TestSupport
import Testing

/// The README's commands, from the published tree to a tested network, with real processes.
@Suite("Kinetics from its links to a tested network", .serialized, .timeLimit(.minutes(5)))
struct KineticsTests {
    /// A command of the README, and what it writes.
    private struct Stage {
        let name: String
        let arguments: [String]
        /// Removed, the command has everything to do again.
        let writes: [String]
        /// How long it took undisturbed.
        var seconds = 0.0
    }

    /// What the README says, with what makes it small.
    private func stages(_ published: PublishedVideos) throws -> [Stage] {
        let readme = commands(in: try text(of: sourceTree + "/README.md"))
        let small = [
            "model.channel_multiplier=0.25", "input.width=32", "input.height=32", "input.crop=28", "input.frames=4",
            "batch.units=2", "batch.clips_per_unit=4", "schedule.steps=16", "checkpoint.every_steps=3",
        ]
        func find(_ words: String...) throws -> [String] {
            try #require(
                readme.first { $0.starts(with: words) }, "README.md has no zoetrope \(words.joined(separator: " "))")
        }
        func onRecipe(_ words: [String]) -> [String] {
            // The recipe is the word behind the command.
            [words[0], sourceTree + "/" + words[1]] + small + words.dropFirst(2)
        }
        let packs = readme.filter { $0.starts(with: ["data", "pack"]) }
        try #require(packs.count == 2 && packs[0].contains("LISTS/train.checked.csv"), "\(packs)")
        return [
            Stage(
                name: "download",
                arguments: try find("data", "download") + ["--mirror", published.mirror, "--timeout", "1"],
                writes: ["K400"]),
            Stage(name: "extract", arguments: try find("data", "extract"), writes: ["K400/videos"]),
            Stage(name: "lists", arguments: try find("data", "lists"), writes: ["LISTS"]),
            Stage(
                name: "check", arguments: try find("data", "check"),
                writes: ["LISTS/train.csv.check", "LISTS/train.checked.csv", "LISTS/val.checked.csv"]),
            Stage(
                name: "pack train", arguments: packs[0] + ["--short-side", "32", "--shard-size", "40000"],
                writes: ["DATA"]),
            Stage(name: "pack val", arguments: packs[1] + ["--short-side", "32"], writes: ["DATA/val"]),
            Stage(name: "train", arguments: onRecipe(try find("train")), writes: ["RUN"]),
            Stage(name: "test", arguments: onRecipe(try find("test")), writes: []),
        ]
    }

    /// What everything comes to.
    private struct Outcome: Equatable {
        var videos: [String: [UInt8]]
        var lists: [String: [UInt8]]
        var data: [String: [UInt8]]
        var weights: String
        var test: String
    }

    private func outcome(_ work: String, train: Command.Ended, test: Command.Ended) throws -> Outcome {
        let lists = try PublishedTree.content(work + "/LISTS").filter { !$0.key.hasSuffix(".check") }
        return Outcome(
            videos: try PublishedTree.content(work + "/K400/videos"), lists: lists,
            data: try PublishedTree.content(work + "/DATA"),
            weights: try #require(train.json["weights_sha256"] as? String, "\(train.output)"), test: test.output)
    }

    private func finish(_ stage: Stage, in work: String) throws -> Command.Ended {
        let ended = try Command.run(stage.arguments + ["--json"], in: work)
        try #require(ended.code == 0, "\(stage.name): \(ended.code.map(String.init) ?? "killed"): \(ended.errors)")
        return ended
    }

    /// Kills the command at `kills` moments, each on the way of the one that continues.
    private func kill(
        _ stage: Stage, _ kills: Int, in work: String, _ draw: inout some RandomNumberGenerator
    ) throws {
        var haste = 1.0
        var done = 0
        while done < kills {
            let share = Double.random(in: 0.15...1, using: &draw) / Double(kills)
            let moment = max(0.02, haste * share * stage.seconds)
            let ended = try Command.run(stage.arguments + ["--json"], in: work, killedAfter: moment)
            if ended.code == nil {
                done += 1
                continue
            }
            // It was done before: once more from its beginning, and the blow sooner.
            haste /= 2
            done = 0
            try #require(
                haste > 0.01, "\(stage.name) ends with \(ended.code ?? -1) after \(ended.seconds) s: \(ended.errors)")
            for path in stage.writes { try removeTree(work + "/" + path) }
        }
    }

    @Test(arguments: [UInt64(20_261_121)])
    func killedAtTenMomentsItEndsWithTheSameBits(seed: UInt64) throws {
        let published = try PublishedVideos()
        // At one path, because lists and manifests name files.
        let work = published.folder + "/work"
        try makeDirectories(work)
        var stages = try stages(published)
        published.misbehave()
        var ended: [Command.Ended] = []
        for i in stages.indices {
            ended.append(try finish(stages[i], in: work))
            stages[i].seconds = ended[i].seconds
        }
        let quiet = try outcome(work, train: ended[6], test: ended[7])
        #expect(quiet.videos.keys.filter { $0.hasPrefix("train/") }.count == 18)
        #expect(quiet.videos.keys.filter { $0.hasPrefix("val/") }.count == 5)
        let quarantine = String(decoding: try #require(quiet.lists["quarantine.tsv"]), as: UTF8.self)
        #expect(quarantine.split(separator: "\n").count == 2 && quarantine.contains("-train_23ab"), "\(quarantine)")
        #expect(ended[2].json["problems"] as? [String: Int] == ["missing": 1], "\(ended[2].output)")
        #expect(ended[4].json["clips"] as? Int == PublishedVideos.sound["train"])
        #expect(ended[5].json["clips"] as? Int == PublishedVideos.sound["val"])
        #expect(ended[4].json["shards"] as? Int ?? 0 > 2, "\(ended[4].output)")
        #expect(ended[7].json["videos"] as? Int == PublishedVideos.sound["val"])

        #expect(rename(work, published.folder + "/quiet") == 0)
        try makeDirectories(work)
        published.misbehave()
        var draw = Draw(state: seed)
        let kills = ["download": 2, "extract": 1, "check": 1, "pack train": 3, "pack val": 1, "train": 2]
        #expect(kills.values.reduce(0, +) == 10)
        ended = []
        for stage in stages {
            try kill(stage, kills[stage.name] ?? 0, in: work, &draw)
            ended.append(try finish(stage, in: work))
        }
        let disturbed = try outcome(work, train: ended[6], test: ended[7])
        for (a, b, what) in [
            (quiet.videos, disturbed.videos, "videos"), (quiet.lists, disturbed.lists, "lists"),
            (quiet.data, disturbed.data, "data"),
        ] {
            #expect(a.keys.sorted() == b.keys.sorted(), "\(what), seed \(seed)")
            for (name, bytes) in a { #expect(bytes == b[name], "\(what)/\(name), seed \(seed)") }
        }
        #expect(quiet.weights == disturbed.weights, "seed \(seed)")
        #expect(quiet.test == disturbed.test, "seed \(seed)")
    }

    /// Knuth's linear congruential generator of 64 bits.
    private struct Draw: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }
}
