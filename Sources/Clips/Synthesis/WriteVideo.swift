import Faults
import Glibc

/// Writes a file without waiting for the disk: a crash may lose it, and the command that made it makes it again.
///
/// Thousands of small videos that each wait for the disk would take longer to write than to make.
func writeVideo(_ bytes: [UInt8], to path: String) throws(Fault) {
    guard let file = fopen(path, "wb") else { throw writeFault(path) }
    let written = fwrite(bytes, 1, bytes.count, file)
    // Closing flushes, so that it is where a full disk may show.
    guard fclose(file) == 0, written == bytes.count else { throw writeFault(path) }
}

private func writeFault(_ path: String) -> Fault {
    let number = errno
    let isFull = number == ENOSPC || number == EDQUOT
    return Fault(
        isFull ? .stoppedEarly : .data, path, "cannot be written: \(String(cString: strerror(number)))",
        mend: isFull ? "free some space on that disk and run the same command again" : "")
}
