import Faults
import Glibc

/// A process of a launch as this machine sees it: a tender, or the ssh or srun that runs one elsewhere.
struct LaunchedProcess {
    enum Output {
        case lines([String])
        case bytes([UInt8])
        case nothing
        case ended

        var isSome: Bool {
            switch self {
            case .lines, .bytes: true
            case .nothing, .ended: false
            }
        }
    }

    private let child: Child
    private let input: Int32
    /// Standard output and error; -1 when it has ended.
    private(set) var descriptors: [Int32]
    private var splitters = [LineSplitter(limit: Self.limit), LineSplitter(limit: Self.limit)]
    private let passesOutput: Bool
    private let reports: Bool
    /// What the tender has said.
    private var report: Int32?

    /// - Parameter passesOutput: Standard output is passed on as it is, and not taken for lines of a log.
    init(_ start: LaunchPlan.Start, environment: [String]?, passesOutput: Bool) throws(Fault) {
        let pipes = [try Pipe(), try Pipe(), try Pipe()]
        defer { for descriptor in [pipes[0].reading, pipes[1].writing, pipes[2].writing] { Glibc.close(descriptor) } }
        do throws(Fault) {
            child = try Child(
                start.command, environment: environment, input: pipes[0].reading, output: pipes[1].writing,
                errors: pipes[2].writing)
        } catch {
            for descriptor in [pipes[0].writing, pipes[1].reading, pipes[2].reading] { Glibc.close(descriptor) }
            throw error
        }
        input = pipes[0].writing
        descriptors = [pipes[1].reading, pipes[2].reading]
        self.passesOutput = passesOutput
        reports = start.order.reports
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        writeWhole(start.order.line + [10], to: input)
    }

    func tell(_ command: TendCommand) { writeWhole(Array(command.line.utf8), to: input) }

    /// How what runs here has ended; nil while it runs. Once only.
    func ending() -> Exit? { child.ending() }

    /// How the process has ended, once all output is read and what runs here has ended with `exit`.
    func meaning(of exit: Exit) -> Exit {
        if let report { return .code(report) }
        // Without a word of the tender a good end is none.
        return reports && exit == .code(0) ? .lost : exit
    }

    /// What one of the two streams has.
    mutating func read(_ stream: Int) -> Output {
        guard descriptors[stream] >= 0 else { return .ended }
        switch Reading(descriptors[stream]) {
        case .bytes(let bytes):
            if stream == 0, passesOutput { return .bytes(Array(bytes)) }
            return .lines(splitters[stream].add(bytes).compactMap { take($0) })
        case .nothingYet: return .nothing
        case .ended:
            Glibc.close(descriptors[stream])
            descriptors[stream] = -1
            return .ended
        }
    }

    /// Lines without an end, once there is nothing to read.
    mutating func rest() -> [String] {
        splitters.indices.compactMap { splitters[$0].end().flatMap { take($0) } }
    }

    /// A line for people, if it is one.
    private mutating func take(_ line: [UInt8]) -> String? {
        if let code = TendReport.code(line: line) {
            report = code
            return nil
        }
        return line.isEmpty ? nil : Self.plain(line)
    }

    /// Lets go of it.
    func close() {
        Glibc.close(input)
        for descriptor in descriptors where descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// What still runs here is killed; a tender elsewhere finds its standard input at its end.
    func abandon() {
        close()
        child.killGroup()
        _ = child.ending()
    }

    /// Without what would move a terminal's cursor.
    private static func plain(_ line: [UInt8]) -> String {
        String(decoding: line.filter { $0 == 9 || $0 >= 32 && $0 != 127 }, as: UTF8.self)
    }

    /// Bytes of a line of a log.
    private static let limit = 16 << 10
}
