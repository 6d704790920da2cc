public import Faults
import Glibc

/// What one process needs of a job's key folder: its own pair, and the public keys of those it talks to.
///
/// A folder holds `ROLE.key` (secret, for its owner only) and `ROLE.pub` for each `Role`. The coordinator lets workers and
/// operators in, a worker lets workers in; nobody else. All workers of a job share one pair: a machine that must go
/// takes new keys for the job.
public struct Keys: Sendable {
    public let role: Role
    let own: KeyPair
    private let known: [Role: PublicKey]

    /// The public keys that may connect to this process, and what they are.
    var allowed: [PublicKey: Role] {
        let roles: [Role] = role == .coordinator ? [.worker, .operator] : [.worker]
        return Dictionary(roles.compactMap { role in known[role].map { ($0, role) } }) { first, _ in first }
    }

    /// What a process of this role proves itself by.
    func publicKey(of role: Role) -> PublicKey? { known[role] }

    /// Reads what `role` needs of the folder: its own `.key`, and of the others `.pub` only.
    ///
    /// - Throws: `Fault.usage` when a file is missing, is no key, belongs to somebody else, or may be read (secret) or
    ///   changed (any) by others than its owner. Nothing of a file's content is in a fault.
    public static func read(_ folder: String, as role: Role) throws(Fault) -> Keys {
        try checkFolder(folder)
        let path = "\(folder)/\(role.rawValue).key"
        guard let own = KeyPair(secret: try bytes(of: path, isSecret: true)) else {
            throw Fault(.usage, path, "is no key", mend: mend)
        }
        let needed: [Role] = role == .coordinator ? [.worker, .operator] : [.coordinator, .worker]
        var known: [Role: PublicKey] = [:]
        for other in Set(needed + [role]) {
            let path = "\(folder)/\(other.rawValue).pub"
            guard let key = PublicKey(bytes: try bytes(of: path, isSecret: false)) else {
                throw Fault(.usage, path, "is no key", mend: mend)
            }
            known[other] = key
        }
        guard known[role] == own.publicKey else {
            throw Fault(.usage, path, "does not belong to \(role.rawValue).pub beside it", mend: mend)
        }
        guard Set(known.values).count == known.count else {
            throw Fault(.usage, folder, "two roles have the same key", mend: mend)
        }
        return Keys(role: role, own: own, known: known)
    }

    /// The files of the folder that `role` needs, by their names, as they are: for a machine that does not have the folder.
    ///
    /// - Throws: `Fault.usage` as `read` does.
    public static func texts(_ folder: String, for role: Role) throws(Fault) -> [String: String] {
        _ = try read(folder, as: role)
        let others: [Role] = role == .coordinator ? [.worker, .operator] : [.coordinator, .worker]
        var texts: [String: String] = [:]
        for name in Set((others + [role]).map { "\($0.rawValue).pub" } + ["\(role.rawValue).key"]) {
            let file = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                throw Fault(.usage, "\(folder)/\(name)", "cannot be read: \(systemError(errno))")
            }
            defer { close(file) }
            var text = [UInt8](repeating: 0, count: 1024)
            texts[name] = String(decoding: text[..<max(0, Glibc.read(file, &text, text.count))], as: UTF8.self)
        }
        return texts
    }

    private static let mend = "take the whole folder as 'zoetrope keys' made it, or make a new one"

    /// Makes the folder with a new pair for each role: the folder 0700, secrets 0600.
    ///
    /// - Throws: `Fault.usage` when there is something already: keys are never overwritten. Half a folder does not stay.
    public static func create(_ folder: String) throws(Fault) {
        try ZeroMQLibrary.requireCurve()
        guard mkdir(folder, 0o700) == 0 else {
            throw Fault(
                .usage, folder, "cannot be made: \(systemError(errno))",
                mend: errno == EEXIST ? "keys are never overwritten: name a new folder" : "")
        }
        do throws(Fault) { for role in Role.allCases { try writePair(of: role, in: folder) } } catch {
            remove(folder)
            throw error
        }
    }

    /// Removes what `create` has made, and the folder with it if nothing else is there: for who made it and nobody has
    /// needed it.
    public static func remove(_ folder: String) {
        for role in Role.allCases { for kind in ["key", "pub"] { unlink("\(folder)/\(role.rawValue).\(kind)") } }
        rmdir(folder)
    }

    private static func writePair(of role: Role, in folder: String) throws(Fault) {
        let pair = try KeyPair.random()
        let note = "of the \(role.rawValue == "operator" ? "operators" : role.rawValue) of one job"
        let secret = "# Secret key \(note): for its owner only.\n"
        try write(secret, pair.secret, to: "\(folder)/\(role.rawValue).key", mode: 0o600)
        try write("# Public key \(note).\n", pair.publicKey.bytes, to: "\(folder)/\(role.rawValue).pub", mode: 0o644)
    }

    private static func write(_ comment: String, _ key: [UInt8], to path: String, mode: mode_t) throws(Fault) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw Fault(.usage, path, "cannot be made: \(systemError(errno))") }
        defer { close(file) }
        let text = Array(comment.utf8) + (Z85.encode(key) ?? []) + [10]
        guard Glibc.write(file, text, text.count) == text.count, fsync(file) == 0 else {
            throw Fault(.usage, path, "cannot be written: \(systemError(errno))")
        }
    }

    /// The key that a file holds: the last of its lines, the others being comments.
    private static func bytes(of path: String, isSecret: Bool) throws(Fault) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw Fault(
                .usage, path, "cannot be read: \(systemError(errno))",
                mend: errno == ENOENT ? "make keys with: zoetrope keys FOLDER" : "")
        }
        defer { close(file) }
        // Of the open file, so that it cannot be another one by now.
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.usage, path, "is no file", mend: mend)
        }
        try checkOwner(status, path)
        if isSecret, status.st_mode & 0o077 != 0 {
            throw Fault(
                .usage, path, "a secret key that others than its owner may read", mend: "chmod 600 \(path)")
        }
        if status.st_mode & 0o022 != 0 {
            throw Fault(.usage, path, "a key that others than its owner may change", mend: "chmod go-w \(path)")
        }
        var text = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(file, &text, text.count)
        let lines = text[..<max(0, count)].split(separator: 10).filter { $0.first != UInt8(ascii: "#") }
        guard lines.count == 1, let key = Z85.decode(Array(lines[0])) else {
            throw Fault(.usage, path, "is no key", mend: mend)
        }
        return key
    }

    /// Whoever may write the folder may put keys of his own there.
    private static func checkFolder(_ folder: String) throws(Fault) {
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw Fault(
                .usage, folder, "no key folder: \(systemError(errno))", mend: "make one with: zoetrope keys \(folder)")
        }
        try checkOwner(status, folder)
        // In a folder with the sticky bit nobody replaces what another owns.
        if status.st_mode & 0o022 != 0, status.st_mode & 0o1000 == 0 {
            throw Fault(
                .usage, folder, "a key folder that others than its owner may change", mend: "chmod 700 \(folder)")
        }
    }

    private static func checkOwner(_ status: stat, _ path: String) throws(Fault) {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Fault(
                .usage, path, "belongs to another user (\(status.st_uid))", mend: "copy the keys, or change their owner"
            )
        }
    }

    private static func systemError(_ number: Int32) -> String { String(cString: strerror(number)) }
}
