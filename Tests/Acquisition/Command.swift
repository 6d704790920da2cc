import Dispatch
import Foundation
import Glibc
import TestSupport

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
        try withTemporaryFolder { outputs in
            // Files and not pipes: nobody reads while it runs.
            let (words, errors) = (outputs + "/output", outputs + "/errors")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: folder)
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try empty(words)
            process.standardError = try empty(errors)
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
                code: isKilled ? nil : process.terminationStatus, output: try text(words),
                errors: try text(errors),
                seconds: seconds)
        }
    }

    /// Whoever is killed may leave half a letter.
    private static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    private static func empty(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
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
