import Acquisition
import Clips
import Curation
import Faults
import Foundation
import Glibc
import Storage

/// Writes videos anew in a profile, each in a child process with limits: what a packing does, and whoever helps it.
struct ProfileWriter: Sendable {
    let profile: TrimProfile
    private let child: TrimChild

    /// - Parameters:
    ///   - seconds: that one video may take.
    ///   - cancellation: ends what is under way.
    init(_ profile: TrimProfile, seconds: Double, cancellation: Cancellation) throws(Fault) {
        self.profile = profile
        var child = TrimChild(command: try trimCommand(profile))
        (child.patience, child.cancellation) = (seconds, cancellation)
        self.child = child
    }

    /// - Throws: a data `Fault` for what cannot be written.
    func write(_ source: String, to target: String) throws(Fault) {
        let outcome = try child.write(TrimJob(source: source, target: target, start: 0, seconds: nil))
        guard outcome.status == .failed else { return }
        // The child's last line names the program and the file once more.
        var reason = outcome.reason[...]
        for prefix in ["zoetrope: ", source + ": "] where reason.hasPrefix(prefix) {
            reason = reason.dropFirst(prefix.count)
        }
        throw Fault(.data, source, String(reason))
    }

    /// SHA-256 of a made video as it is written here: libraries that write something else write something else of all.
    /// - Parameter folder: where files may come and go.
    func trial(in folder: String) throws -> String {
        let (source, target) = (folder + "/trial-source.mp4", folder + "/trial.mp4")
        defer { for path in [source, target] { unlink(path) } }
        // Frames enough for a second key frame, and for those between that others need.
        try writeWhole(try motionVideo(.clockwise, seed: 1, number: 1, frames: 40, size: 64), to: source)
        try write(source, to: target)
        return "\(try fileDigest(target))"
    }
}

/// Children that examine videos for a packing.
func packingExaminers(seconds: Double) throws(Fault) -> ExaminerPool {
    var limits = ExaminerLimits()
    // A video of the largest size that is packed is in it twice.
    (limits.seconds, limits.memoryMiB) = (seconds, 8192)
    let words = ["--seconds", "\(limits.seconds)", "--memory", "\(limits.memoryMiB)"]
    return ExaminerPool(command: [try ownProgram(), "data", "examine", "--packing"] + words, limits: limits)
}

/// A folder for files that nobody misses, its owner's alone. What a process left there that was killed, the next one removes.
final class ScratchFolder {
    let path: String
    private let lock: LockFile
    private static let lockName = ".lock"

    /// - Parameter base: the folder that it is made in.
    /// - Throws: a `Fault` when none can be made there.
    init(in base: String) throws {
        for number in 0..<1024 {
            let path = base + "/zoetrope-scratch-\(number)"
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw systemFolderFault(base, errno) }
            // Somebody else's, or something else of that name, is left alone.
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
                status.st_mode & 0o077 == 0,
                let lock = try? LockFile(path + "/" + Self.lockName, holder: "process \(getpid())")
            else { continue }
            (self.path, self.lock) = (path, lock)
            try clear()
            return
        }
        throw Fault(.usage, base, "1024 processes have their files there", mend: "choose another folder with --scratch")
    }

    private func clear() throws(Fault) {
        for name in try directoryNames(path) where name != Self.lockName { try removeTree(path + "/" + name) }
    }

    deinit {
        // With the lock in it, which this process still holds.
        try? removeTree(path)
        withExtendedLifetime(lock) {}
    }
}

private func systemFolderFault(_ path: String, _ number: Int32) -> Fault {
    Fault(
        .usage, path, "no folder can be made there: \(String(cString: strerror(number)))",
        mend: "choose another with --scratch")
}
