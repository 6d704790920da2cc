import Foundation
import TestSupport
import Testing

/// A real sshd on loopback, with its own configuration, port and keys: each of its addresses is a host of its own.
final class SecureShell {
    /// What `launch.ssh` is to be, as TOML.
    let command: String
    let port: Int
    /// Where whoever comes in has its runtime folder.
    let runtime: String
    let pid: Int32
    private let daemon: Running

    static let hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]

    /// - Parameter folder: For its files; it must be there.
    init(_ folder: String) throws {
        let daemonPath = "/usr/sbin/sshd"
        try #require(
            FileManager.default.isExecutableFile(atPath: daemonPath), "no \(daemonPath): run 'scripts/setup test'")
        if getuid() == 0 {
            // sshd's own folder, which a system without a running sshd may lack.
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        runtime = folder + "/runtime"
        try FileManager.default.createDirectory(
            atPath: runtime, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in ["host", "user"] {
            let made = try Program.start(
                ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"], with: "/usr/bin/ssh-keygen"
            ).wait()
            try #require(made.status == 0, "\(made.errors)")
        }
        let port = try freePort()
        self.port = port
        let listening = Self.hosts.map { "ListenAddress \($0):\(port)\n" }.joined()
        try
            (listening
                + """
                HostKey \(folder)/host
                PidFile \(folder)/pid
                AuthorizedKeysFile \(folder)/user.pub
                StrictModes no
                UsePAM no
                PasswordAuthentication no
                KbdInteractiveAuthentication no
                SetEnv XDG_RUNTIME_DIR=\(runtime)
                MaxStartups 100

                """).write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        let key = try String(contentsOfFile: folder + "/host.pub", encoding: .utf8)
        try Self.hosts.map { "[\($0)]:\(port) \(key)" }.joined()
            .write(toFile: folder + "/known", atomically: true, encoding: .utf8)
        try """
        Host *
            Port \(port)
            IdentityFile \(folder)/user
            IdentitiesOnly yes
            UserKnownHostsFile \(folder)/known
            GlobalKnownHostsFile /dev/null
            StrictHostKeyChecking yes

        """.write(toFile: folder + "/ssh_config", atomically: true, encoding: .utf8)
        command = "[\"/usr/bin/ssh\", \"-F\", \"\(folder)/ssh_config\"]"
        // Behind a shell: sshd closes what it inherits, by which Foundation tells that a process has ended.
        daemon = try Program.start(["-c", "\(daemonPath) -D -e -f \(folder)/sshd_config; true"], with: "/bin/sh")
        let deadline = Date().addingTimeInterval(60)
        // It says that it listens before it has written who it is.
        var number: Int32?
        while number == nil || !daemon.errors.now.contains("Server listening on \(Self.hosts[0])") {
            try #require(daemon.process.isRunning && Date() < deadline, "\(daemon.errors.now)")
            let written = try? String(contentsOfFile: folder + "/pid", encoding: .utf8)
            number = written.flatMap { $0.hasSuffix("\n") ? Int32($0.dropLast()) : nil }
        }
        pid = try #require(number)
    }

    func stop() {
        // The runner's threads block SIGTERM, and a daemon inherits that.
        kill(pid, SIGKILL)
        daemon.process.waitUntilExit()
    }
}
