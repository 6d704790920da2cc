import Faults
import Foundation

/// A program that something of ours is compared with, or ours in its place: it runs to its end and prints what it found.
struct PeerProgram {
    /// What faults call it.
    let name: String
    private let words: [String]

    /// - Parameter command: as a shell takes it, to which arguments are added.
    init(command: String) {
        name = command
        words = ["/bin/sh", "-c", "exec \(command) \"$@\"", "sh"]
    }

    /// This program.
    ///
    /// - Parameter command: of its commands, the one that is meant.
    init(ours command: [String]) throws(Fault) {
        name = "zoetrope " + command.prefix(2).joined(separator: " ")
        words = [try ownProgram()] + command
    }

    /// What it prints on standard output.
    ///
    /// - Throws: a data `Fault` when it ends with another exit code than 0; the system's when it does not start.
    func output(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = words.dropFirst() + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault(
                .data, name, "it ended with exit code \(process.terminationStatus)",
                mend: "run it by hand to see what it lacks")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
