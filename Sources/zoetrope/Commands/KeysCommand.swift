import ArgumentParser
import Faults
import Protocol
import Reporting

/// `zoetrope keys`.
struct MakeKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make the keys of a job: who may coordinate, work for and steer a run.",
        discussion: """
            Makes FOLDER with a key pair each for the coordinator, the workers and the operators (status, drain, stop). \
            Give it to every command as --keys FOLDER, or as security.keys in cluster.conf. Where home folders are \
            shared there is nothing to copy; elsewhere copy the folder (scp -rp), or of it only what a machine needs: its own \
            role's .key, and all .pub files. Secrets are for their owner only and are refused when others may read them.
            """)
    @Argument(help: "The folder to make; one that is there is never overwritten.")
    var folder: String

    func run() throws {
        try Keys.create(folder)
        print("made \(folder): give --keys \(folder) to every process of the run, and to status, drain and stop")
    }
}

/// What protects the sockets of a command.
struct SecurityOptions: ParsableArguments {
    @Option(
        help: """
            The job's folder of keys, made by 'zoetrope keys'; without it, security.keys of the --config, if the command takes \
            one.
            """)
    var keys: String?
    @Flag(help: "Do without keys between machines: whoever reaches the ports may read, change and stop what goes on.")
    var insecure = false

    /// Warns where there is something to warn of.
    func security(
        _ section: ClusterConfiguration.SecuritySection = ClusterConfiguration.standard.security, as role: Role
    ) throws(Fault) -> Security {
        let security = try Security(
            keys: folder(section), insecure: insecure || section.insecure && keys == nil, role: role)
        if let warning = security.warning { standardError("zoetrope: \(warning)\n") }
        return security
    }

    /// For the processes that a command starts: a folder is no secret.
    var arguments: [String] {
        get throws(Fault) {
            var arguments = insecure ? ["--insecure"] : []
            if let keys { arguments += ["--keys", try absolute(keys)] }
            return arguments
        }
    }

    private func folder(_ section: ClusterConfiguration.SecuritySection) -> String {
        keys ?? (insecure ? "" : section.keys)
    }
}
