import Dispatch
import Foundation
import Glibc
import Testing

/// The built `zoetrope`, run as a user runs it, to its end or until it is killed.
struct Command {
    /// Beside the test bundle, where SwiftPM puts every product of one build.
    static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("zoetrope").path

    struct Ended {
        /// The exit code; `nil` when it was killed.
        let code: Int32?
        let output: String
        let errors: String
        /// How long it took.
        let seconds: Double

        /// The last line on standard output, which `--json` makes the result.
        var json: [String: Any] {
            let line = output.split(separator: "\n").last.map(String.init) ?? ""
            return (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
        }
    }

    /// - Parameters:
    ///   - folder: where it runs; paths are relative to it.
    ///   - moment: seconds after which it gets SIGKILL, unless it has ended.
    static func run(_ arguments: [String], in folder: String, killedAfter moment: Double? = nil) throws -> Ended {
        let words = try TemporaryFile()
        let errors = try TemporaryFile()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = words.handle
        process.standardError = errors.handle
        let end = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in end.signal() }
        let begin = DispatchTime.now().uptimeNanoseconds
        try process.run()
        if let moment, end.wait(timeout: .now() + moment) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            end.wait()
        } else if moment == nil {
            end.wait()
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin) * 1e-9
        let isKilled = process.terminationReason == .uncaughtSignal
        return Ended(
            code: isKilled ? nil : process.terminationStatus, output: try words.text(), errors: try errors.text(),
            seconds: seconds)
    }

    /// A file without a name, for what a process prints.
    private struct TemporaryFile {
        let handle: FileHandle

        init() throws {
            var path = Array((NSTemporaryDirectory() + "zoetrope-output-XXXXXX").utf8CString)
            let file = mkstemp(&path)
            try #require(file >= 0)
            unlink(path)
            handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        }

        func text() throws -> String {
            try handle.seek(toOffset: 0)
            return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
        }
    }
}

/// The lines of a document's block of commands that begin with `zoetrope`, a line that ends with a backslash joined with the next
/// one, without what follows ` #`.
func commands(in text: String) -> [[String]] {
    let joined = text.replacing("\\\n", with: " ")
    return joined.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { $0.hasPrefix("zoetrope ") }
        .map { line in
            let command = line.components(separatedBy: " #")[0]
            return command.split(separator: " ").dropFirst().map(String.init)
        }
}
