import Foundation
import Glibc

/// A cgroup of version 1: processes that start in it have less of a machine.
struct ControlGroup {
    private let path: String

    /// - Parameters:
    ///   - controller: `cpu` or `memory`.
    ///   - settings: What to write into which file of the group.
    init(_ controller: String, _ name: String, _ settings: [String: String]) throws {
        path = "/sys/fs/cgroup/\(controller)/zoetrope-chaos-\(getpid())-\(name)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for (file, value) in settings.sorted(by: { $0.key < $1.key }) { try write(value, to: file) }
        } catch { throw ChaosFault("the control group \(path): \(error)") }
    }

    /// What stands before a command so that it runs in the group.
    var prefix: [String] { ["sh", "-c", "echo $$ > \(path)/cgroup.procs && exec \"$@\"", "sh"] }

    func add(_ pid: pid_t) throws { try write("\(pid)", to: "cgroup.procs") }

    /// Its processes must be gone.
    func remove() { rmdir(path) }

    private func write(_ text: String, to file: String) throws {
        // The kernel's files take one write and no renaming.
        let handle = open(path + "/" + file, O_WRONLY | O_CLOEXEC)
        defer { close(handle) }
        let count = text.utf8.count
        guard handle >= 0, Glibc.write(handle, text, count) == count else {
            throw ChaosFault("\(file): \(String(cString: strerror(errno)))")
        }
    }
}

extension Lab {
    /// - Parameter name: tells groups of one case apart.
    func controlGroup(
        _ controller: String, _ settings: [String: String], for name: String = ""
    ) throws -> ControlGroup {
        let own = folder.split(separator: "/").last.map(String.init) ?? ""
        let group = try ControlGroup(controller, own + name, settings)
        atEnd { group.remove() }
        return group
    }
}
