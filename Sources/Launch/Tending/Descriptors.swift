import Faults
import Glibc

/// The two ends of a pipe, neither of which a child inherits.
struct Pipe {
    let reading: Int32
    let writing: Int32

    /// - Throws: `Fault.internal` when the process has no more descriptors.
    init() throws(Fault) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Fault(.internal, "pipe", String(cString: strerror(errno)), mend: Self.mend)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }

    static let mend = "raise 'ulimit -n'"

    func close() { for end in [reading, writing] { Glibc.close(end) } }
}

/// What can be read of a descriptor at once.
enum Reading {
    case bytes(ArraySlice<UInt8>)
    case nothingYet
    case ended

    init(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = read(descriptor, &buffer, buffer.count)
        if count > 0 {
            self = .bytes(buffer[..<count])
        } else if count < 0, errno == EINTR || errno == EAGAIN {
            self = .nothingYet
        } else {
            self = .ended
        }
    }
}

/// Writes all of it.
/// - Returns: false when nobody reads.
@discardableResult
func writeWhole(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return false }
        rest = rest.dropFirst(written)
    }
    return true
}

/// Waits until one of the descriptors can be read or has ended, or the time is over.
/// - Returns: For each whether it is to be read; those below 0 never are.
func ready(_ descriptors: [Int32], seconds: Double) -> [Bool] {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let milliseconds = Int32(max(0, min(60_000, seconds * 1000)))
    guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return descriptors.map { _ in false } }
    return polled.map { $0.revents != 0 }
}
