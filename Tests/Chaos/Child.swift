import Foundation
import Glibc

/// How a process ended.
package enum Exit: Equatable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// A process of the harness, its output in files. Of one thread.
final class Child {
    let name: String
    let pid: pid_t
    /// Where its standard error went; what came before is kept.
    let log: String
    let output: String
    private(set) var exit: Exit?

    /// - Parameters:
    ///   - command: Program and arguments; the program is looked for in PATH.
    ///   - folder: For `NAME.log` and `NAME.out`.
    /// - Throws: `ChaosFault` when the system refuses.
    init(_ name: String, _ command: [String], folder: String) throws {
        self.name = name
        log = folder + "/\(name).log"
        output = folder + "/\(name).out"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: control-C is the harness's to answer.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, command[0], &actions, &attributes, &words, environ)
        guard status == 0 else {
            throw ChaosFault("\(command[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        self.pid = pid
    }

    func signal(_ number: Int32) { if exit == nil { kill(pid, number) } }

    /// Whether it has ended, without waiting.
    @discardableResult
    func poll() -> Exit? { wait(WNOHANG) }

    /// Waits for its end.
    @discardableResult
    func wait() -> Exit { wait(0) ?? .code(-1) }

    private func wait(_ options: Int32) -> Exit? {
        guard exit == nil else { return exit }
        var status: Int32 = 0
        guard waitpid(pid, &status, options) == pid else { return nil }
        // Glibc's macros WIFSIGNALED and its kin are not imported.
        let number = status & 0x7F
        exit = number == 0 ? .code(status >> 8 & 0xFF) : .signal(number)
        return exit
    }

    /// The last line of its standard output as JSON.
    var json: [String: Any] {
        let line = (try? String(contentsOfFile: output, encoding: .utf8))?.split(separator: "\n").last ?? ""
        return (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] ?? [:]
    }

    /// The end of its log, for a report.
    var lastWords: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(6).joined(separator: "\n    ")
    }
}

/// Runs a command to its end.
/// - Returns: Its exit code and what it printed on both streams.
@discardableResult
func run(_ command: String...) throws -> (exit: Exit, text: String) { try run(command) }

@discardableResult
func run(_ command: [String]) throws -> (exit: Exit, text: String) {
    let folder = NSTemporaryDirectory() + "zoetrope-chaos-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let child = try Child("command", command, folder: folder)
    let exit = child.wait()
    let texts = [child.output, child.log].map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "" }
    return (exit, texts.joined())
}

/// A case failed, or the machine lacks what it needs.
package struct ChaosFault: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Monotonic seconds.
func monotonicNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
