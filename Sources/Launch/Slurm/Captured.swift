import Faults
import Glibc

/// What short commands print.
enum Captured {
    /// Runs a command to its end; its errors go where ours do.
    /// - Returns: The lines of its standard output, at most 1 MiB.
    /// - Throws: `Fault.usage` when there is no such program or it fails.
    static func lines(of command: [String]) throws(Fault) -> [String] {
        let pipe = try Pipe()
        defer { close(pipe.reading) }
        let child: Child
        do throws(Fault) { child = try Child(command, output: pipe.writing) } catch {
            close(pipe.writing)
            throw error
        }
        close(pipe.writing)
        var splitter = LineSplitter(limit: 1 << 16)
        var lines: [[UInt8]] = []
        var bytes = 0
        reading: while bytes < 1 << 20 {
            switch Reading(pipe.reading) {
            case .bytes(let found):
                bytes += found.count
                lines += splitter.add(found)
            case .nothingYet: continue
            case .ended: break reading
            }
        }
        if let rest = splitter.end() { lines.append(rest) }
        let exit = child.wait()
        guard exit == .code(0) else {
            throw Fault(.usage, command.joined(separator: " "), "failed (\(exit))")
        }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The file of this program.
    static func ownPath() throws(Fault) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw Fault(.internal, "/proc/self/exe", String(cString: strerror(errno))) }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
