public import Faults
import Glibc
import Protocol

/// The far end of a launch: runs one process of this program, as standard input says, and lets it outlive nobody.
///
/// Wherever a launch starts a process, by ssh, by Slurm or on its own machine, it starts a tender there and holds the other
/// end of its standard input. When that ends, because the launch has ended or was killed or its machine is gone, the
/// process is told to end, and killed if it does not. It notices in its turn when the tender is killed (`--parent`).
public struct Tender {
    private let order: TendOrder
    private let program: String
    private let folder: PrivateFolder?
    private var input = LineSplitter(limit: TendOrder.limit)
    /// Lines that came with the order.
    private var early: [[UInt8]] = []

    /// Waits for the order on standard input.
    /// - Parameter program: The path of this program.
    /// - Throws: `Fault` when standard input ends before, or gives no order.
    public init(program: String) throws(Fault) {
        self.program = program
        var lines: [[UInt8]] = []
        while lines.isEmpty {
            switch Reading(0) {
            case .bytes(let bytes): lines = input.add(bytes)
            case .nothingYet: continue
            case .ended: throw Fault(.stoppedEarly, "tend", "standard input ended before there was an order")
            }
        }
        order = try TendOrder(line: lines.removeFirst())
        early = lines
        folder = order.files.isEmpty ? nil : try PrivateFolder(order.files)
    }

    /// Runs the process to its end. Blocks.
    /// - Returns: Its exit code, or 128 and the signal that ended it.
    /// - Throws: `Fault` when it cannot be started.
    public mutating func run() throws(Fault) -> Int32 {
        defer { folder?.remove() }
        // Schedulers send theirs to every process of a group; the process has its own. What concerns this one is
        // standard input.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] { Glibc.signal(number, SIG_IGN) }
        let arguments = order.arguments.map { argument in
            argument.hasPrefix(TendOrder.folder)
                ? (folder?.path ?? "") + "/" + argument.dropFirst(TendOrder.folder.count) : argument
        }
        let notices = order.arguments.first == "coordinator" ? try NoticeSocket() : nil
        let child = try Child(
            [program] + arguments + ["--parent", "\(getpid())"], environment: notices?.environment)
        let clock = MonotonicClock()
        var isHeld = true
        var deadline = Double.infinity
        for line in early { Self.obey(line, child) }
        while true {
            if let exit = child.ending() {
                // What it started ends with it.
                child.killGroup()
                Self.say(.ended(exit.asCode))
                return exit.asCode
            }
            if clock.now >= deadline {
                child.killGroup()
                deadline = .infinity
            }
            let flags = ready([isHeld ? 0 : -1, notices?.descriptor ?? -1], seconds: Self.tick)
            if flags[1] { for report in notices?.reports() ?? [] { Self.say(report) } }
            guard flags[0] else { continue }
            switch Reading(0) {
            case .bytes(let bytes): for line in input.add(bytes) { Self.obey(line, child) }
            case .nothingYet: continue
            case .ended:
                isHeld = false
                deadline = clock.now + order.grace
                if order.farewell != 0 { child.signal(order.farewell) }
            }
        }
    }

    private static func say(_ report: TendReport) { writeWhole(Array(report.text.utf8), to: 1) }

    private static func obey(_ line: [UInt8], _ child: Child) {
        switch TendCommand(line: String(decoding: line, as: UTF8.self)) {
        case .signal(let number): child.signal(number)
        case .kill: child.killGroup()
        case nil: break
        }
    }

    /// Seconds after which the end of the process is noticed.
    private static let tick = 0.05
}
