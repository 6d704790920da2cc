import Faults
import Glibc

/// A process of a launch as this machine sees it: a tender, or the ssh or srun that runs one elsewhere.
struct LaunchedProcess {
    enum Output {
        /// For people.
        case log(String)
        /// A line of standard output that is passed on.
        case result([UInt8])
        /// The tender says that the process does what it is for.
        case ready
        /// Or that it is at its end.
        case stopping
    }

    private let child: Child
    private let input: Int32
    /// Standard output and error; -1 when it has ended.
    private(set) var descriptors: [Int32]
    private var splitters = [LineSplitter(limit: Self.resultLimit), LineSplitter(limit: Self.limit)]
    private let passesOutput: Bool
    /// Empty lines of an output that is passed on: before a tender's report they are none of it.
    private var blanks = 0
    /// What the tender has said of the end.
    private var report: Int32?

    /// - Parameter passesOutput: Standard output is passed on as it is, and not taken for lines of a log.
    init(_ start: LaunchPlan.Start, passesOutput: Bool) throws(Fault) {
        let piped = try PipedChild(start.command)
        (child, input, descriptors) = (piped.child, piped.input, [piped.output, piped.errors])
        self.passesOutput = passesOutput
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
        return exit == .code(0) ? .lost : exit
    }

    /// What one of the two streams has now; nil when that is nothing, now or any more.
    mutating func read(_ stream: Int) -> [Output]? {
        guard descriptors[stream] >= 0 else { return nil }
        switch Reading(descriptors[stream]) {
        case .bytes(let bytes): return splitters[stream].add(bytes).flatMap { take($0, stream) }
        case .nothingYet: return nil
        case .ended:
            Glibc.close(descriptors[stream])
            descriptors[stream] = -1
            return nil
        }
    }

    /// Lines without an end, once there is nothing to read.
    mutating func rest() -> [Output] {
        splitters.indices.flatMap { stream in splitters[stream].end().map { take($0, stream) } ?? [] }
    }

    private mutating func take(_ line: [UInt8], _ stream: Int) -> [Output] {
        switch TendReport(line: line) {
        case .ended(let code):
            report = code
            return []
        case .ready:
            blanks = 0
            return [.ready]
        case .stopping:
            blanks = 0
            return [.stopping]
        case nil: break
        }
        guard stream == 0, passesOutput else { return line.isEmpty ? [] : [.log(Self.plain(line))] }
        guard !line.isEmpty else {
            blanks += 1
            return []
        }
        defer { blanks = 0 }
        return [.result([UInt8](repeating: 10, count: blanks) + line + [10])]
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

    /// Bytes of a line of a log, and of one of standard output, which may be a result in JSON.
    private static let limit = 16 << 10
    private static let resultLimit = 4 << 20
}
