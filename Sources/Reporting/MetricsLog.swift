public import Faults
import Glibc

/// `metrics.jsonl`: one JSON object a line, appended as steps commit; a run that continues appends to it.
public final class MetricsLog {
    private let path: String
    private let file: Int32
    private var hasTold = false

    /// - Throws: `Fault.data` when the file cannot be opened.
    public init(path: String) throws(Fault) {
        self.path = path
        file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw Fault(.data, path, "cannot be opened: \(String(cString: strerror(errno)))", mend: "check the folder")
        }
        // A line that was cut off ends here, or the next one would be glued to it.
        let size = lseek(file, 0, SEEK_END)
        var last: UInt8 = 10
        if size > 0, pread(file, &last, 1, size - 1) == 1, last != 10 { _ = write(file, "\n", 1) }
    }

    deinit { close(file) }

    /// Appends one line. A full disk costs the line, not the training, and half a line is taken back.
    /// - Returns: why the line is missing, the first time that one is.
    public func append(_ line: JSON) -> Fault? {
        let size = lseek(file, 0, SEEK_END)
        var text = line.text + "\n"
        let (count, number) = text.withUTF8 { (write(file, $0.baseAddress, $0.count), errno) }
        guard count < text.utf8.count else { return nil }
        if count > 0 { ftruncate(file, size) }
        guard !hasTold else { return nil }
        hasTold = true
        let reason = count < 0 ? String(cString: strerror(number)) : "the disk is full"
        return Fault(
            .data, path, "has no line for what happens now: \(reason)",
            mend: "make room; the ledger has every step all the same")
    }
}
