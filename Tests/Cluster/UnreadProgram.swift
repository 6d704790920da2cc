import Foundation
import Testing

/// The program; nobody reads its stderr, as with a terminal that Ctrl-S has stopped: the pipe is full from the beginning.
struct UnreadProgram {
    private let process = Process()
    private let errors = Pipe()
    private let ended = DispatchSemaphore(value: 0)
    let output = Collected()

    /// It is killed where it does not end within two minutes.
    init(_ arguments: [String]) throws {
        try fill(errors)
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = arguments
        process.standardOutput = output.pipe
        process.standardError = errors
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        DispatchQueue.global().asyncAfter(deadline: .now() + 120) { [self] in killIfRunning() }
    }

    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    func killIfRunning() { if isRunning { signal(SIGKILL) } }

    /// Waits for its end.
    /// - Returns: The code that it ends with, or the signal.
    func code() -> Int32 {
        // As long as somebody could read it, the pipe holds whoever writes.
        defer { withExtendedLifetime(errors) {} }
        ended.wait()
        ended.signal()
        return process.terminationStatus
    }

    /// As of a program whose errors are read; of one that has ended.
    var result: Program.Result {
        Program.Result(status: process.terminationStatus, output: output.text(), errors: "")
    }
}

/// Fills a pipe to the last byte: whoever writes to it waits.
private func fill(_ pipe: Pipe) throws {
    // A description of its own, or whoever inherits the pipe would find it non-blocking.
    let writer = open(
        "/proc/self/fd/\(pipe.fileHandleForWriting.fileDescriptor)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    try #require(writer >= 0)
    defer { close(writer) }
    let page = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
    for size in [page.count, 1] { while write(writer, page, size) == size {} }
    let number = errno
    try #require(number == EAGAIN)
}
