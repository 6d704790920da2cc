import Foundation
import Glibc
import Wire

/// Clips that are damaged, data sets that differ, gradients that are no numbers, noise on the ports.
let dataCases: [ChaosCase] = [
    // A video that does not decode is content: every worker puts the same other one in its place. A record that has
    // rotted on one node is pulled from another.
    ChaosCase(22, "damaged-clips") { lab in
        lab.recipe.steps = 40
        let whole = try lab.laboratory.data()
        let data = lab.folder + "/damaged"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        for name in ["videos", "train.csv"] {
            try FileManager.default.copyItem(atPath: whole + "/" + name, toPath: data + "/" + name)
        }
        let video = try lab.firstVideo(of: data)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: video))
        for place in bytes.count / 4..<bytes.count * 3 / 5 { bytes[place] = 0xFF }
        try bytes.write(to: URL(fileURLWithPath: video))
        let packed = lab.folder + "/packed"
        let result = try run(
            lab.laboratory.program, "data", "pack", "--list", data + "/train.csv", "--split", "train", "--out", packed)
        try lab.expect(result.exit == .code(0), "data pack: \(result.text)")
        lab.data = packed
        let rotten = lab.folder + "/rotten"
        try FileManager.default.copyItem(atPath: packed, toPath: rotten)
        let shard = rotten + "/train/shard-00000.mdb"
        let record = Data(bytes.suffix(200).prefix(64))

        _ = try lab.laboratory.undisturbed(lab.recipe, data: packed)
        try lab.startCoordinator(workers: 2)
        try lab.cluster.start("a", lab.workerCommand("a", data: packed))
        try lab.cluster.start("b", lab.workerCommand("b", data: rotten))
        try lab.cluster.waitForStep(2)
        try lab.disturb("a record rots under b") { try lab.rot(shard, where: record) }
        // Who starts on the rotten copy finds that out when it opens the shard.
        try lab.cluster.start("late", lab.workerCommand("late", data: rotten))
        try lab.expectUndisturbed(pulling: true)
        let substitutes = try lab.ledger().reduce(0) { $0 + $1.outcome.substitutes.count }
        try lab.expect(substitutes > 0, "no clip was replaced: the damage does not show")
        for name in ["b", "late"] {
            let said = try String(contentsOfFile: lab.folder + "/\(name).log", encoding: .utf8)
            try lab.expect(
                said.contains("this copy is left alone and another pulled from others"),
                "\(name) never noticed the rotten record: \(said)")
        }
        let failed = lab.cluster.notes.count { $0.line.contains("cannot compute block") }
        try lab.expect(failed == 0, "\(failed) blocks were handed back for a shard that others have")
        lab.say("\(substitutes) substitutes in the ledger; b and late pulled the shard from others")
    },

    ChaosCase(23, "another-data-set") { lab in
        lab.recipe.steps = 40
        let other = lab.folder + "/other"
        let made = try run(
            lab.laboratory.program, "data", "synth", "--out", other, "--classes", "2", "--clips-per-class", "8",
            "--seconds", "1", "--size", "32", "--seed", "4")
        try lab.expect(made.exit == .code(0), "data synth: \(made.text)")
        try lab.begin(workers: 2)
        try lab.disturb("a worker with another data set joins") {
            try lab.cluster.start("x", lab.workerCommand("x", data: other), restarts: false)
        }
        try lab.cluster.wait(30, for: "x to be refused") { lab.cluster.jobs["x"]?.child == nil }
        try lab.expect(
            lab.cluster.jobs["x"]?.exits == [.code(64)], "x ended with \(lab.cluster.jobs["x"]?.exits ?? [])")
        let said = try String(contentsOfFile: lab.folder + "/x.log", encoding: .utf8)
        try lab.expect(said.contains("differs:"), "x does not say what differs: \(said)")
        lab.say(said.split(separator: "\n").last.map(String.init) ?? "")
        try lab.expectUndisturbed()
    },

    // A rate at which nothing stays finite: the same steps are skipped, whoever computes and dies.
    ChaosCase(24, "not-finite") { lab in
        lab.recipe.steps = 16
        lab.recipe.more = ["optimizer.learning_rate=1000.0", "schedule.warmup_epochs=0.0"]
        try lab.begin(workers: 3)
        try lab.waitWithinStep(lab.dice.between(0, 1))
        try lab.disturb("kill -9 of b") { lab.cluster.signal("b", SIGKILL) }
        try lab.expectUndisturbed()
        let skipped = try lab.ledger().count { $0.outcome.skipped }
        try lab.expect(skipped > 0, "no step was skipped: nothing was tested")
        lab.say("\(skipped) of \(lab.recipe.steps) steps skipped, the same ones")
    },

    ChaosCase(17, "noise-on-the-ports") { lab in
        lab.recipe.steps = 24
        try lab.begin(workers: 2)
        let ports = try ["a", "b"].flatMap { try lab.listeningPorts(of: $0) } + [lab.port]
        try lab.expect(ports.count >= 3, "the workers listen at \(ports)")
        try lab.disturb("noise on \(ports.count) ports") {
            for round in 0..<20 {
                for port in ports { try lab.makeNoise(round, port: port) }
                try lab.cluster.poll()
            }
        }
        try lab.expectUndisturbed()
    },
]

extension Lab {
    func firstVideo(of data: String) throws -> String {
        let folder = data + "/videos"
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let list = try String(contentsOfFile: data + "/train.csv", encoding: .utf8)
        guard let name = names.sorted().first(where: { $0.hasSuffix(".mp4") && list.contains($0) }) else {
            throw ChaosFault("no video of \(folder) is in the list")
        }
        return folder + "/" + name
    }

    /// Flips a bit in the file where it holds these bytes, in place: who has it mapped sees it.
    func rot(_ path: String, where bytes: Data) throws {
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        guard let place = content.range(of: bytes)?.lowerBound, let handle = FileHandle(forUpdatingAtPath: path) else {
            throw ChaosFault("\(path) does not hold the video")
        }
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(place))
        try handle.write(contentsOf: Data([content[place] ^ 16]))
    }

    /// TCP ports on which a process of the cluster listens.
    func listeningPorts(of name: String) throws -> [Int] {
        guard let pid = cluster.pid(name) else { return [] }
        let lines = try run("ss", "-H", "-l", "-t", "-n", "-p").text.split(separator: "\n")
        return lines.filter { $0.contains("pid=\(pid),") }.compactMap { line in
            line.split(separator: " ").dropFirst(3).first?.split(separator: ":").last.flatMap { Int($0) }
        }
    }

    /// Connects and says what nobody should: random bytes, half a greeting, a frame of 2^62 bytes, nothing at all.
    func makeNoise(_ round: Int, port: Int) throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { if round % 4 != 3 { Glibc.close(socket) } else { atEnd { Glibc.close(socket) } } }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else {
            throw ChaosFault("port \(port) takes no connections: \(String(cString: strerror(errno)))")
        }
        // ZMTP 3: signature, version, mechanism, server flag, filler.
        let greeting =
            [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)
        let ready: [UInt8] =
            [4, 26, 5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
        let bytes: [UInt8] =
            switch round % 4 {
            case 0: (0..<300).map { _ in UInt8(dice.below(256)) }
            case 1: Array(greeting.prefix(30))
            case 2: greeting + ready + [2, 0x40, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 500)
            default: []
            }
        _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
