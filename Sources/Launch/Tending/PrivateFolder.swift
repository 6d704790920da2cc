import Faults
import Glibc

/// A folder for this user only, with files that a process needs while it runs.
struct PrivateFolder {
    let path: String
    private let names: [String]

    /// Makes it in the user's runtime folder, which is memory, or else in the folder for temporary files.
    /// - Throws: `Fault.usage` when neither can be written.
    init(_ files: [String: String]) throws(Fault) {
        let places =
            [getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR")].compactMap { $0.map { String(cString: $0) } } + ["/tmp"]
        var made: String?
        for place in places where made == nil && place.hasPrefix("/") {
            var template = Array((place + "/zoetrope-XXXXXX").utf8CString)
            // 0700, by its definition.
            if mkdtemp(&template) != nil {
                made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
        }
        guard let made else {
            throw Fault(
                .usage, places.last ?? "", "no folder can be made: \(String(cString: strerror(errno)))",
                mend: "set TMPDIR to a folder that can be written")
        }
        path = made
        names = files.keys.sorted()
        for (name, content) in files {
            let file = open("\(made)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            let isWritten = file >= 0 && writeWhole(Array(content.utf8), to: file)
            if file >= 0 { close(file) }
            guard isWritten else {
                let reason = String(cString: strerror(errno))
                remove()
                throw Fault(.usage, "\(made)/\(name)", "cannot be written: \(reason)")
            }
        }
    }

    func remove() {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
