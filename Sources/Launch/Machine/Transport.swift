public import Protocol

/// How a launch reaches its hosts. Pure: command lines only.
public enum Transport: Sendable, Equatable {
    /// The ssh program and what it always needs.
    case ssh([String])
    /// A step of a Slurm job for each node: hosts are its nodes.
    case slurm

    /// What runs a tender on `host`, its standard input and output connected to ours; or another command of the program.
    public func command(_ host: ClusterConfiguration.Host, running command: String = "tend") -> [String] {
        switch self {
        case .ssh(let ssh):
            // Of several values ssh takes the first: the user's.
            var words = ssh + host.options
            words += [
                "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=10", "-o",
                "ServerAliveCountMax=3",
            ]
            if !host.user.isEmpty { words += ["-l", host.user] }
            if host.port != 0 { words += ["-p", "\(host.port)"] }
            return words + ["--", host.address, "exec \(Self.remote(host.program)) \(command)"]
        case .slurm:
            // Steps share the job's processors; one that ends badly, or whose node is lost, ends no other.
            return [
                "srun", "--overlap", "--no-kill", "--kill-on-bad-exit=0", "--nodes=1", "--ntasks=1", "--cpu-bind=none",
                "--nodelist=\(host.address)", "--job-name=zoetrope", host.program, command,
            ]
        }
    }

    /// For the shell there, which makes nothing of it but the home folder.
    private static func remote(_ program: String) -> String {
        program.hasPrefix("~/") ? "~/" + quoted(String(program.dropFirst(2))) : quoted(program)
    }

    /// As a shell takes it for one word.
    public static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (97...122).contains(byte | 32) || (48...57).contains(byte) || "._-/:=,@%+".utf8.contains(byte)
            }
        return isPlain
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
