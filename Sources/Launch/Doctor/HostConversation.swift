import Faults
import Glibc
import Protocol
import Synchronization

/// The near end of a conversation with `zoetrope examine-host`, started as a launch would start a worker.
final class HostConversation {
    private let name: String
    private let command: [String]
    private let child: Child
    private let input: Int32
    private let output: Int32
    private let errors: Int32
    private var lines = LineSplitter(limit: HostLine.limit)
    private var complaints = LineSplitter(limit: 4096)
    private var waiting: [[UInt8]] = []
    private var lastComplaint = ""
    private var hasEnded = false
    private let clock = MonotonicClock()

    /// Conversations begin on threads of their own, one after another: between the making of a pipe and its being marked, a child
    /// that another thread starts would inherit it, and hold it open.
    private static let starting = Mutex(())

    init(_ name: String, _ command: [String]) throws(Fault) {
        let started = Self.starting.withLock { _ in Result { () throws(Fault) in try PipedChild(command) } }
        let piped = try started.get()
        (child, input, output, errors) = (piped.child, piped.input, piped.output, piped.errors)
        self.name = name
        self.command = command
        for descriptor in [output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    /// The version that the far end says it is of.
    /// - Throws: `Fault.usage` when it does not come, with what ssh or the host said instead.
    func version(within seconds: Double) throws(Fault) -> String {
        let deadline = clock.now + seconds
        while let line = try next(until: deadline) { if let version = HostLine.version(line) { return version } }
        throw ending(seconds)
    }

    /// Asks, and waits for the answer.
    /// - Returns: The answer and what a clock of this machine said before and after, in seconds.
    /// - Throws: `Fault.usage` when the host is gone or does not answer in time.
    func ask(
        _ question: HostQuestion, within seconds: Double, now: () -> Double = { 0 }
    ) throws(Fault) -> (answer: HostAnswer, sent: Double, received: Double) {
        let deadline = clock.now + seconds
        let sent = now()
        writeWhole(HostLine.encoded(question), to: input)
        while let line = try next(until: deadline) {
            let received = now()
            if let answer = HostLine.decoded(line, as: HostAnswer.self) { return (answer, sent, received) }
        }
        throw ending(seconds)
    }

    /// Ends it: a far end whose standard input is at its end goes.
    func close() {
        for descriptor in [input, output, errors] { Glibc.close(descriptor) }
        guard !hasEnded else { return }
        child.killGroup()
        _ = child.wait()
    }

    /// The next line; nil when there will be none, or none in time.
    private func next(until deadline: Double) throws(Fault) -> [UInt8]? {
        while waiting.isEmpty {
            let left = deadline - clock.now
            guard left > 0 else { return nil }
            let flags = ready([output, errors], seconds: left)
            if flags[1], case .bytes(let bytes) = Reading(errors) { complain(complaints.add(bytes)) }
            guard flags[0] else { continue }
            switch Reading(output) {
            case .bytes(let bytes): waiting += lines.add(bytes)
            case .nothingYet: continue
            case .ended: return nil
            }
        }
        return waiting.removeFirst()
    }

    private func complain(_ lines: [[UInt8]]) {
        for line in lines where !line.isEmpty {
            lastComplaint = String(decoding: line.filter { $0 == 9 || $0 >= 32 && $0 != 127 }, as: UTF8.self)
        }
    }

    /// Why there is no answer.
    private func ending(_ seconds: Double) -> Fault {
        while case .bytes(let bytes) = Reading(errors) { complain(complaints.add(bytes)) }
        complain(complaints.end().map { [$0] } ?? [])
        let said = lastComplaint.isEmpty ? "" : ": \(lastComplaint)"
        // The end of the output and that of the process come in any order.
        var exit = child.ending()
        let patience = clock.now + 1
        while exit == nil, !stillTalks, clock.now < patience {
            _ = ready([], seconds: 0.01)
            exit = child.ending()
        }
        guard let exit else {
            return Fault(
                .usage, name, "does not answer within \(Int(seconds)) s\(said)",
                mend: "try it by hand: \(commandForPeople)")
        }
        hasEnded = true
        switch exit.asCode {
        case 126, 127:
            return Fault(
                .usage, name, "has no program to start (\(exit.asCode))\(said)",
                mend: Exit.programMend)
        case 64:
            return Fault(
                .usage, name, "its zoetrope does not know how to answer\(said)", mend: "install this version there")
        default:
            return Fault(
                .usage, name, "cannot be reached (\(exit))\(said)",
                mend: "this is to work without a password: \(commandForPeople)")
        }
    }

    private var stillTalks: Bool {
        var polled = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, 0) == 0
    }

    private var commandForPeople: String { command.map(Transport.quoted).joined(separator: " ") }
}
