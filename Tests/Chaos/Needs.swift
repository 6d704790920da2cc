import Foundation
import Glibc

extension ChaosCase.Need {
    /// Why this machine cannot run such a case, or `nil`.
    var missing: String? {
        switch self {
        case .nothing: return nil
        case .namespaces:
            guard getuid() == 0 else { return "network namespaces need root" }
            return Self.whyNoNamespaces
        case .controlGroups:
            guard getuid() == 0 else { return "control groups need root" }
            return FileManager.default.isWritableFile(atPath: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
                || FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cpu/cgroup.procs")
                ? nil : "there is no cgroup v1 hierarchy at /sys/fs/cgroup/cpu"
        case .fakeClock:
            return FileManager.default.fileExists(atPath: Self.fakeClockProgram)
                ? nil : "\(Self.fakeClockProgram) is missing: apt-get install faketime"
        case .mounts: return getuid() == 0 ? nil : "mounting a tmpfs needs root"
        }
    }

    static let fakeClockProgram = "/usr/bin/faketime"

    /// Tried once: a namespace with a pair of interfaces.
    private static let whyNoNamespaces: String? = {
        let name = "zc\(getpid())-try"
        do {
            for command in [
                ["ip", "netns", "add", name],
                [
                    "ip", "link", "add", "v\(getpid())", "netns", name, "type", "veth", "peer", "name", "w", "netns",
                    name,
                ],
            ] {
                let made = try run(command)
                guard made.exit == .code(0) else {
                    _ = try? run("ip", "netns", "delete", name)
                    return "\(command.joined(separator: " ")): \(made.text)"
                }
            }
            _ = try run("ip", "netns", "delete", name)
            return nil
        } catch { return "\(error)" }
    }()
}
