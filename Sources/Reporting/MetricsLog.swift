public import Faults
import Glibc
import Storage

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

    /// Calls `body` with each line of the file at `path`, without its end; without a file there is none. The file of a long
    /// run is larger than what may be held.
    /// - Throws: `Fault.data` when it cannot be opened.
    public static func read(_ path: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(Fault) {
        guard pathExists(path) else { return }
        guard let file = fopen(path, "re") else {
            throw Fault(.data, path, "cannot be opened: \(String(cString: strerror(errno)))", mend: "check the file")
        }
        defer { fclose(file) }
        // A line is some 250 bytes; of one that is no line of ours the beginning is enough to see that.
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), file) != nil {
            line.withUnsafeBytes { bytes in
                body(UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 && $0 != UInt8(ascii: "\n") }))
            }
        }
    }

    /// The steps that have a whole line in the file at `path`.
    /// - Throws: `Fault.data` when it cannot be opened.
    public static func steps(in path: String) throws(Fault) -> Set<Int> {
        var steps: Set<Int> = []
        try read(path) { line in
            if let step = step(of: line) { steps.insert(step) }
        }
        return steps
    }

    /// Of a line that is whole: one that a crash tore off ends without its brace.
    private static func step(of line: UnsafeRawBufferPointer) -> Int? {
        let head = #"{"step":"#.utf8
        guard line.last == UInt8(ascii: "}"), line.starts(with: head) else { return nil }
        return Int(String(decoding: line.dropFirst(head.count).prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self))
    }
}
