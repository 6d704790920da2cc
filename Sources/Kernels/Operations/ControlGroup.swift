import Glibc

/// What a process may use of its machine by the control groups it is in, as containers and schedulers set them: cgroups(7),
/// both versions. The tightest limit of a group and all above it counts.
public struct ControlGroup: Sendable, Equatable {
    /// Seconds of processor time that it gets in a second, above 0; nil where nobody limits it. A container that is given 2.5
    /// of 64 processors still sees 64 of them.
    public var processors: Double?
    /// Bytes of memory; nil where nobody limits them.
    public var memoryBytes: Int?

    public init(processors: Double? = nil, memoryBytes: Int? = nil) {
        (self.processors, self.memoryBytes) = (processors, memoryBytes)
    }

    /// This process's, as the system tells it now; without limits where the system has no such groups.
    public static var own: ControlGroup {
        guard let groups = contents("/proc/self/cgroup"), let mounts = contents("/proc/self/mountinfo") else {
            return ControlGroup()
        }
        return ControlGroup(groups: groups, mounts: mounts, read: contents)
    }

    /// - Parameters:
    ///   - groups: `/proc/self/cgroup`.
    ///   - mounts: `/proc/self/mountinfo`, of proc(5).
    ///   - read: what a file holds; nil where it is not there.
    public init(groups: String, mounts: String, read: (String) -> String?) {
        self.init()
        let mounts = mounts.split(separator: "\n").compactMap { Mount($0) }
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let controllers = fields[1].split(separator: ",")
            for controller in ["cpu", "memory"] {
                let isSecond = fields[1].isEmpty
                guard isSecond || controllers.contains(Substring(controller)),
                    let mount = mounts.last(where: { isSecond ? $0.isSecond : $0.controllers.contains(controller) })
                else { continue }
                for folder in mount.folders(ofGroup: fields[2]) {
                    if controller == "cpu" {
                        limit(isSecond ? Self.quota(read(folder + "/cpu.max")) : Self.quota(inFirst: folder, read))
                    } else {
                        limit(read(folder + (isSecond ? "/memory.max" : "/memory.limit_in_bytes")))
                    }
                }
            }
        }
    }

    private mutating func limit(_ quota: Double?) {
        if let quota { processors = min(quota, processors ?? quota) }
    }

    /// Without a limit the first version has the largest multiple of a page, the second `max`.
    private mutating func limit(_ memory: String?) {
        guard let bytes = memory.flatMap({ Int($0.prefix { $0.isNumber }) }), bytes > 0, bytes < 1 << 60 else { return }
        memoryBytes = min(bytes, memoryBytes ?? bytes)
    }

    /// Of `cpu.max`: microseconds, or `max`, in each period.
    private static func quota(_ text: String?) -> Double? {
        let fields = (text ?? "").split { $0 == " " || $0 == "\n" }.map { Double($0) }
        guard fields.count == 2, let time = fields[0], let period = fields[1], time > 0, period > 0 else { return nil }
        return time / period
    }

    private static func quota(inFirst folder: String, _ read: (String) -> String?) -> Double? {
        guard let time = read(folder + "/cpu.cfs_quota_us"), let period = read(folder + "/cpu.cfs_period_us") else {
            return nil
        }
        return quota(time + " " + period)
    }

    /// A line of mountinfo that mounts control groups.
    private struct Mount {
        let root: Substring
        let point: Substring
        let isSecond: Bool
        /// Of the first version.
        let controllers: [String]

        init?(_ line: Substring) {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3,
                fields[dash + 1] == "cgroup" || fields[dash + 1] == "cgroup2"
            else { return nil }
            (root, point, isSecond) = (fields[3], fields[4], fields[dash + 1] == "cgroup2")
            controllers = isSecond ? [] : fields[dash + 3].split(separator: ",").map(String.init)
        }

        /// The group's folder and those above it, as far as they are mounted. What a container mounts begins at its own group.
        func folders(ofGroup path: Substring) -> [String] {
            var below =
                path == root ? "" : root == "/" ? path : path.hasPrefix(root + "/") ? path.dropFirst(root.count) : ""
            if below == "/" || below.hasPrefix("/..") { below = "" }
            var folders: [String] = []
            while let slash = below.lastIndex(of: "/") {
                folders.append(String(point + below))
                below = below[..<slash]
            }
            return folders + [String(point)]
        }
    }
}

/// A small file of the system's; nil where it cannot be read.
private func contents(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 1 << 22 {
        let count = read(descriptor, &piece, piece.count)
        guard count > 0 else { break }
        bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}
