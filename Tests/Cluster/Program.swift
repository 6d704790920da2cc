import Foundation
import Synchronization
import Threads

/// The built `zoetrope`, run as a user runs it.
struct Program {
    /// Beside the test bundle, where SwiftPM puts every product of one build.
    static let path: String = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return bundle.appendingPathComponent("zoetrope").path
    }()

    struct Result {
        let status: Int32
        let output: String
        let errors: String

        /// The last line on standard output, which `--json` makes the result.
        var json: [String: Any] {
            let line = output.split(separator: "\n").last.map(String.init) ?? ""
            return (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
        }
    }

    /// Runs to the end.
    static func run(_ arguments: String...) throws -> Result { try start(arguments).wait() }

    /// Starts in the background; `with` names another program that runs it.
    static func start(_ arguments: [String], with other: String? = nil) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: other ?? path)
        process.arguments = arguments
        let output = Collected()
        let errors = Collected()
        process.standardOutput = output.pipe
        process.standardError = errors.pipe
        try process.run()
        return Running(process: process, output: output, errors: errors)
    }
}

/// A process on its way.
struct Running {
    let process: Process
    let output: Collected
    let errors: Collected

    var pid: Int32 { process.processIdentifier }

    func kill(_ number: Int32 = SIGKILL) { Foundation.kill(pid, number) }

    func wait() -> Program.Result {
        process.waitUntilExit()
        return Program.Result(status: process.terminationStatus, output: output.text(), errors: errors.text())
    }
}

/// What a pipe delivers, read on a thread of its own so that the writer never blocks.
final class Collected: Sendable {
    let pipe = Pipe()
    private let bytes = Mutex(Data())
    private let reader = Mutex<DedicatedThread?>(nil)
    /// Signalled for whatever comes.
    private let arrived = DispatchSemaphore(value: 0)

    init() {
        let handle = pipe.fileHandleForReading
        let thread = DedicatedThread(name: "pipe") { [self] in
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                bytes.withLock { $0.append(data) }
                arrived.signal()
            }
        }
        reader.withLock { $0 = thread }
    }

    /// Waits for those words. One thread at a time.
    /// - Returns: whether they came within a minute.
    func wait(for words: String) -> Bool {
        let deadline = DispatchTime.now() + 60
        while !now.contains(words) { if arrived.wait(timeout: deadline) == .timedOut { return false } }
        return true
    }

    /// So far.
    var now: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    /// All of it, once the writers are gone.
    func text() -> String {
        reader.withLock { $0 }?.join()
        return now
    }
}
