public import Faults
import Foundation
import Storage
import Synchronization
import Video

/// What was found out about files so far, so that a check that was ended goes on: a text file, a line a video.
///
/// A finding holds for as long as the file has the same size and time of change, and libav* are the same. A line that was cut
/// by a crash is ignored.
public final class CheckJournal: Sendable {
    private struct Key: Hashable {
        let path: String
        let stamp: FileStamp
    }

    private let known: [Key: Examined]
    private let file: Mutex<FileHandle>

    private static let firstLine = "zoetrope-check 1 \(VideoLibraries.versions)"

    /// Opens the journal at `path`, or begins one.
    /// - Throws: a `Fault` when it cannot be read or written.
    public init(_ path: String) throws(Fault) {
        var known: [Key: Examined] = [:]
        let bytes = pathExists(path) ? try readWhole(path, limit: 1 << 32) : []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let isOurs = lines.first.map(String.init) == Self.firstLine
        if isOurs {
            for line in lines.dropFirst() {
                let fields = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
                guard fields.count == 4, let size = Int(fields[1]), let time = Int(fields[2]),
                    let found = Examined(text: fields[3])
                else { continue }
                known[Key(path: String(oneLine: fields[0]), stamp: FileStamp(byteCount: size, modified: time))] = found
            }
        } else {
            try writeWhole(Self.firstLine + "\n", to: path)
        }
        self.known = known
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw Fault(.usage, path, "cannot be written", mend: "check its permissions")
        }
        do {
            try handle.seekToEnd()
            // After a line that was cut.
            if isOurs, bytes.last != UInt8(ascii: "\n") { try handle.write(contentsOf: Data("\n".utf8)) }
        } catch { throw Fault(.data, path, "cannot be written: \(error.localizedDescription)") }
        file = Mutex(handle)
    }

    /// What is known of the file as it is now.
    func finding(of path: String, _ stamp: FileStamp) -> Examined? { known[Key(path: path, stamp: stamp)] }

    func add(_ found: Examined, of path: String, _ stamp: FileStamp) throws(Fault) {
        let line = "\(path.oneLine)\t\(stamp.byteCount)\t\(stamp.modified)\t\(found.text)\n"
        let failed = file.withLock { file in (try? file.write(contentsOf: Data(line.utf8))) == nil }
        if failed {
            throw Fault(.stoppedEarly, path, "its finding cannot be written", mend: "free some space on that disk")
        }
    }
}
