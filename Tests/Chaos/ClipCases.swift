import Foundation
import Glibc

/// Workers without the data set, who pull clips from the coordinator and from each other.
let clipCases: [ChaosCase] = [
    ChaosCase(34, "clips-pulled", needs: .namespaces) { lab in
        let packed = try lab.packInSmallShards()
        let network = try lab.network(hosts: ["z", "a", "b"])
        try lab.beginWithoutData(on: network, workers: ["a", "b"], packed: packed)
        try lab.expectUndisturbed()
        for name in ["a", "b"] {
            let pulled = try lab.pulled(name).count
            try lab.expect(pulled > 1, "\(name) pulled \(pulled) files")
            lab.say("\(name) pulled \(pulled) files")
        }
    },

    // Those who have pulled clips serve them; whoever is asked may die in the middle.
    ChaosCase(35, "clips-holder-killed", needs: .namespaces) { lab in
        // The other goes on at once: enough steps that the killed come back before the end.
        lab.recipe.steps = 150
        let packed = try lab.packInSmallShards()
        let network = try lab.network(hosts: ["z", "a", "b"])
        try lab.beginWithoutData(on: network, workers: ["a", "b"], packed: packed)
        for _ in 0..<3 {
            let victim = lab.dice.below(2) == 0 ? "a" : "b"
            try lab.waitWithinStep(lab.dice.between(0, 1))
            try lab.disturb("kill -9 of \(victim)") {
                lab.cluster.signal(victim, SIGKILL)
                try lab.cluster.wait(for: "its end") { !lab.cluster.isRunning(victim) }
                // It comes back with nothing, and asks the other, who may be the next.
                try FileManager.default.removeItem(atPath: lab.cache(victim))
            }
            try lab.cluster.waitForJoin(victim, after: lab.lastFault)
        }
        try lab.expectUndisturbed()
    },

    // Every pulled shard rots in the cache while it is used.
    ChaosCase(36, "clips-cache-rots", needs: .namespaces) { lab in
        lab.recipe.steps = 40
        let packed = try lab.packInSmallShards()
        let network = try lab.network(hosts: ["z", "a"])
        try lab.beginWithoutData(on: network, workers: ["a"], packed: packed)
        let videos = try lab.videos()
        var rotten = 0
        try lab.disturb("every shard in the cache of a rots") {
            for file in try lab.pulled("a") {
                let content = try Data(contentsOf: URL(fileURLWithPath: file))
                for video in videos where content.range(of: video) != nil {
                    try lab.rot(file, where: video)
                    rotten += 1
                }
            }
        }
        try lab.expect(rotten > 0, "nothing was in the cache")
        try lab.expectUndisturbed()
        let said = try String(contentsOfFile: lab.folder + "/a.log", encoding: .utf8)
        let again = said.split(separator: "\n").count { $0.contains("dropped from the cache and pulled again") }
        try lab.expect(again > 0, "no rotten record was noticed: \(said)")
        lab.say("\(rotten) records rotted, \(again) shards were pulled again")
    },
]

extension Lab {
    /// The usual data set, cut so that it has several shards. It becomes the case's.
    func packInSmallShards() throws -> String {
        let packed = folder + "/packed"
        let made = try run(
            laboratory.program, "data", "pack", "--list", try laboratory.data() + "/train.csv", "--split", "train",
            "--out", packed, "--shard-size", "40kB")
        try expect(made.exit == .code(0), "data pack: \(made.text)")
        let shards = try FileManager.default.contentsOfDirectory(atPath: packed + "/train").count - 1
        try expect(shards > 2, "the set has \(shards) shards only")
        data = packed
        return packed
    }

    /// The coordinator on host `z` with the data set, workers on hosts that do not see it, until the first steps are done.
    func beginWithoutData(on network: TestNetwork, workers: [String], packed: String) throws {
        _ = try laboratory.undisturbed(recipe, data: data)
        let keys = try keyFlags()
        let listen = "tcp://\(network.address("z")):5570"
        try cluster.start(
            TestCluster.coordinator,
            network.on("z")
                + coordinatorCommand(workers: workers.count, configuration: try configuration(coordinator: listen))
                + keys)
        for name in workers {
            let path = try configuration(name, dataHost: network.address(name))
            let worker = try workerCommand(name, join: listen, configuration: path)
            // Another machine does not see this one's files: nothing is where the data set is.
            let hidden =
                ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none \"$0\" && exec \"$@\"", packed]
                + worker + keys
            try cluster.start(name, network.on(name) + hidden)
        }
        try cluster.waitForStep(2)
    }

    /// The files in a worker's cache.
    func pulled(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cache(name)).filter { $0.count == 64 }
            .map { cache(name) + "/" + $0 }
    }

    /// Some bytes of each video, as they stand in its shard.
    func videos() throws -> [Data] {
        let folder = try laboratory.data() + "/videos"
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return try names.filter { $0.hasSuffix(".mp4") }.map { name in
            try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)).suffix(200).prefix(64)
        }
    }
}
