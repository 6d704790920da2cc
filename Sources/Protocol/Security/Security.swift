public import Faults

/// How the sockets of a process are protected.
///
/// With keys, every socket speaks CURVE, on loopback too, and lets in only whom the keys allow. Without, sockets listen
/// on and connect to this machine only, unless that was given up by name.
public struct Security: Sendable {
    public let keys: Keys?
    /// Without keys and yet not on loopback only: whoever reaches the ports may stop the run and change its weights.
    public let isInsecure: Bool

    /// No keys: this machine only.
    public static let loopback = Security(keys: nil, isInsecure: false)

    public init(keys: Keys) {
        self.keys = keys
        isInsecure = false
    }

    private init(keys: Keys?, isInsecure: Bool) {
        self.keys = keys
        self.isInsecure = isInsecure
    }

    /// - Parameters:
    ///   - folder: The job's key folder; empty: none.
    ///   - insecure: Sockets without keys may leave this machine.
    /// - Throws: `Fault.usage` when the folder is not as `Keys.read` wants it, or both are asked for.
    public init(keys folder: String, insecure: Bool, role: Role) throws(Fault) {
        guard folder.isEmpty || !insecure else {
            throw Fault(
                .usage, "security.insecure", "with keys at the same time",
                mend: "leave out one of them: with keys nothing is insecure")
        }
        self.init(keys: folder.isEmpty ? nil : try Keys.read(folder, as: role), isInsecure: insecure)
    }

    /// What is to be said at every start; nil when all is well.
    public var warning: String? {
        guard isInsecure else { return nil }
        return """
            INSECURE: no keys. Whoever reaches the ports of this run may read, change and stop it.
            INSECURE: make keys with 'zoetrope keys FOLDER', give --keys FOLDER everywhere, and take security.insecure away.
            """
    }

    private static let mend =
        "make keys with 'zoetrope keys FOLDER' and give --keys FOLDER (security.keys in cluster.conf) to every process; "
        + "security.insecure = true does without, on a network where everybody may stop the run"

    /// - Throws: `Fault.usage` for every interface at once, and without keys for what is not this machine.
    func check(listening text: String) throws(Fault) {
        let endpoint = try Endpoint(text)
        guard !endpoint.isWildcard else {
            throw Fault(
                .usage, text, "every interface of the machine at once",
                mend: "name the one address by which the others reach this machine")
        }
        guard keys != nil || isInsecure || endpoint.isLoopback else {
            throw Fault(
                .usage, text, "would be open to other machines, and there are no keys", mend: Self.mend)
        }
    }

    /// - Throws: `Fault.usage` without keys for what is not this machine.
    func check(joining text: String) throws(Fault) {
        let endpoint = try Endpoint(text)
        guard keys != nil || isInsecure || endpoint.isLoopback else {
            throw Fault(.usage, text, "another machine, and there are no keys", mend: Self.mend)
        }
    }
}
