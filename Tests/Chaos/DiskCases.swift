import Foundation
import Glibc

/// Disks that are full, and files that are damaged.
let diskCases: [ChaosCase] = [
    ChaosCase(19, "disk-full", needs: .mounts) { lab in
        // More records than the ledger's last page has room for.
        lab.recipe.steps = 150
        let disk = lab.folder + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mounted = try run("mount", "-t", "tmpfs", "-o", "size=400m", "zoetrope-chaos", disk)
        try lab.expect(mounted.exit == .code(0), "mount: \(mounted.text)")
        lab.atEnd { _ = try? run("umount", "-l", disk) }
        try lab.useRunFolder(disk + "/run")
        try lab.begin(workers: 2, warmUp: 6)
        try lab.cluster.wait(60, for: "the first checkpoint") { try lab.newestCheckpoint() >= 5 }
        try lab.disturb("the disk has room for the ledger, for no checkpoint") { try fill(disk, leaving: 4 << 20) }
        try lab.cluster.waitForNote("failed", after: lab.lastFault)
        try lab.waitForSteps(2)
        try lab.expect(try lab.newestCheckpoint() >= 5, "the old checkpoint is gone")
        try lab.disturb("the disk has no byte left") { try fill(disk, leaving: 0) }
        // What a checkpoint had reserved meanwhile is free again when it has failed.
        try lab.cluster.wait(for: "'NOTHING IS COMMITTED' from the coordinator") {
            try fill(disk, leaving: 0)
            return lab.cluster.notes.contains { $0.time >= lab.lastFault && $0.line.contains("NOTHING IS COMMITTED") }
        }
        try lab.cluster.run(for: 4)
        let before = lab.cluster.commits.count
        try lab.cluster.run(for: 2)
        try lab.expect(lab.cluster.commits.count == before, "steps are committed on a full disk")
        try lab.disturb("the disk has room again") {
            for name in try FileManager.default.contentsOfDirectory(atPath: disk) where name.hasPrefix("ballast") {
                try FileManager.default.removeItem(atPath: disk + "/" + name)
            }
        }
        try lab.expectUndisturbed()
    },

    // Truncated, a flipped bit in a chunk, a manifest that is gone: each in the newest checkpoint of a killed run.
    ChaosCase(20, "damaged-checkpoints") { lab in
        lab.recipe.steps = 24
        lab.recipe.checkpointEvery = 3
        try lab.begin(workers: 2, warmUp: 7)
        let damages: [(what: String, file: String, body: (String) throws -> Void)] = [
            ("truncated", "model.safetensors", { truncate($0, 100_000) }),
            (
                "a flipped bit", "state.safetensors",
                { path in
                    guard let handle = FileHandle(forUpdatingAtPath: path) else { throw ChaosFault("\(path) is gone") }
                    defer { try? handle.close() }
                    let place = UInt64(1_000_000)
                    try handle.seek(toOffset: place)
                    let byte = try handle.read(upToCount: 1)?.first ?? 0
                    try handle.seek(toOffset: place)
                    try handle.write(contentsOf: Data([byte ^ 4]))
                }
            ),
            ("gone", "manifest.json", { try FileManager.default.removeItem(atPath: $0) }),
        ]
        for damage in damages {
            let commits = lab.cluster.commits.count
            try lab.cluster.wait(60, for: "two checkpoints") { try lab.checkpoints().count >= 2 }
            try lab.disturb("all killed, \(damage.file) of the newest checkpoint is \(damage.what)") {
                for name in ["a", "b", TestCluster.coordinator] { lab.cluster.signal(name, SIGKILL) }
                let newest = try lab.newestCheckpoint()
                try damage.body(lab.cluster.run + "/checkpoints/step-\(newest)/" + damage.file)
                lab.say("damaged: step-\(newest), after \(commits) steps")
            }
            try lab.cluster.waitForNote("not used", after: lab.lastFault)
            try lab.waitForSteps(4)
        }
        try lab.expectUndisturbed()
    },
]

/// Fills a file system up to `leaving` bytes.
private func fill(_ disk: String, leaving: Int) throws {
    var status = statvfs()
    guard statvfs(disk, &status) == 0 else { throw ChaosFault("\(disk): \(String(cString: strerror(errno)))") }
    let size = Int(status.f_bavail) * Int(status.f_frsize) - leaving
    guard size > 0 else { return }
    let file = open(disk + "/ballast-\(leaving)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    // Others write meanwhile: the last pages one by one, until there are none.
    if posix_fallocate(file, 0, off_t(size)) == 0, leaving > 0 { return }
    let page = [UInt8](repeating: 1, count: 4096)
    lseek(file, 0, SEEK_END)
    while leaving == 0, write(file, page, page.count) > 0 {}
}
