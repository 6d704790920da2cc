public import Faults
import Glibc

/// `metrics.jsonl`: one JSON object a line, appended as steps commit; a run that continues appends to it.
public final class MetricsLog {
    private let path: String
    private let file: Int32

    /// - Throws: `Fault.data` when the file cannot be opened.
    public init(path: String) throws(Fault) {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw Fault(.data, path, "cannot be opened: \(String(cString: strerror(errno)))", mend: "check the folder")
        }
    }

    deinit { close(file) }

    /// Appends one line. A full disk costs the line, not the training; the caller is told by the result.
    @discardableResult public func append(_ line: JSON) -> Bool {
        var text = line.text + "\n"
        return text.withUTF8 { bytes in write(file, bytes.baseAddress, bytes.count) == bytes.count }
    }
}
