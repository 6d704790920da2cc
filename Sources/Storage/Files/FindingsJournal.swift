public import Faults
import Glibc
import Synchronization

/// What was found out about files so far, so that a long look at many of them goes on where it was ended: a text file with a
/// line for each. Any number of threads may use it.
///
/// A finding holds as long as the file has the same size and time of change, and `version` is the same. A line that a crash
/// cut is as good as none. Nothing waits for the disk: what is lost is found out again.
public final class FindingsJournal: Sendable {
    private struct Key: Hashable {
        let path: String
        let stamp: FileStamp
    }

    private let known: [Key: String]
    private let file: Descriptor
    private let end: Mutex<Int>

    /// Opens the journal at `path`, or begins one.
    /// - Parameter version: one line that says by what rules findings are made; those of another are dropped.
    /// - Throws: a `Fault` when it cannot be read or written.
    public init(_ path: String, version: String) throws(Fault) {
        var known: [Key: String] = [:]
        var bytes = pathExists(path) ? try readWhole(path, limit: 1 << 32) : []
        // What follows the last line end was cut.
        bytes.removeSubrange(((bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)...)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let isOurs = lines.first.map(String.init) == version
        for line in lines.dropFirst() where isOurs {
            let fields = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4, let size = Int(fields[1]), let time = Int(fields[2]) else { continue }
            let key = Key(path: String(oneLine: fields[0]), stamp: FileStamp(byteCount: size, modified: time))
            known[key] = String(fields[3])
        }
        if !isOurs {
            bytes = Array((version + "\n").utf8)
            try writeWhole(bytes, to: path)
        }
        self.known = known
        file = try Descriptor(path, O_WRONLY)
        end = Mutex(bytes.count)
    }

    /// What is known of the file as it is now.
    public func finding(of path: String, _ stamp: FileStamp) -> String? { known[Key(path: path, stamp: stamp)] }

    /// - Parameter finding: without line ends.
    public func add(_ finding: String, of path: String, _ stamp: FileStamp) throws(Fault) {
        precondition(!finding.contains("\n"), finding)
        let line = Array("\(path.oneLine)\t\(stamp.byteCount)\t\(stamp.modified)\t\(finding)\n".utf8)
        var failure: Fault?
        end.withLock { end in
            line.withUnsafeBytes { raw in
                do throws(Fault) {
                    try file.write(raw, at: end)
                    end += line.count
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}

extension String {
    /// With line ends, tabs and backslashes escaped, to travel on one line.
    public var oneLine: String {
        var out = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\t": out += "\\t"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// What `oneLine` was made from.
    public init(oneLine text: some StringProtocol) {
        self = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let code = rest.popFirst() else {
                unicodeScalars.append(scalar)
                continue
            }
            switch code {
            case "n": unicodeScalars.append("\n")
            case "r": unicodeScalars.append("\r")
            case "t": unicodeScalars.append("\t")
            default: unicodeScalars.append(code)
            }
        }
    }
}
