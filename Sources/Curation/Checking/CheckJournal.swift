public import Faults
import Storage
import Video

/// The findings of `data check`, which hold for one version of libav*.
public struct CheckJournal: Sendable {
    private let findings: FindingsJournal

    /// Opens the journal at `path`, or begins one.
    /// - Throws: a `Fault` when it cannot be read or written.
    public init(_ path: String) throws(Fault) {
        findings = try FindingsJournal(path, version: "zoetrope-check 1 \(VideoLibraries.versions)")
    }

    func finding(of path: String, _ stamp: FileStamp) -> Examined? {
        findings.finding(of: path, stamp).flatMap { Examined(text: $0) }
    }

    func add(_ found: Examined, of path: String, _ stamp: FileStamp) throws(Fault) {
        try findings.add(found.text, of: path, stamp)
    }
}
