import Faults
import Glibc
import Protocol

/// The far end: answers a doctor's questions until standard input ends.
public struct HostExaminer {
    private let version: String

    public init(version: String) { self.version = version }

    /// Blocks until nobody asks any more.
    /// - Parameter facts: What is asked of the machine itself.
    public func run(facts: (HostQuestion.Facts) -> HostFacts) {
        var ports: CoordinatorPorts?
        defer { ports?.close() }
        func answer(_ question: HostQuestion) -> HostAnswer {
            switch question {
            case .clock: return .clock(wallClock())
            case .facts(let question): return .facts(facts(question))
            case .reach(let question):
                do throws(Fault) { return .reach(try HostReach(question)) } catch { return .fault(HostProblem(error)) }
            case .listen(let question):
                do throws(Fault) {
                    let taken = try CoordinatorPorts(question)
                    ports?.close()
                    ports = taken
                    return .listening(endpoint: taken.endpoint, problems: taken.problems)
                } catch { return .fault(HostProblem(error)) }
            }
        }

        var lines = LineSplitter(limit: HostLine.limit)
        guard writeWhole(Array(HostLine.greeting(version: version).utf8), to: 1) else { return }
        while true {
            switch Reading(0) {
            case .bytes(let bytes):
                for line in lines.add(bytes) {
                    guard let question = HostLine.decoded(line, as: HostQuestion.self) else { continue }
                    guard writeWhole(HostLine.encoded(answer(question)), to: 1) else { return }
                }
            case .nothingYet: continue
            case .ended: return
            }
        }
    }
}

extension HostReach {
    /// Measures: parts as large as chunks, one way and then the other, then messages of one byte, each when the one before was answered.
    /// - Throws: `Fault.usage` for a question that makes no sense and for keys that do not fit, and what a
    ///   `NetworkBench` does when nobody answers.
    init(_ question: HostQuestion.Reach) throws(Fault) {
        try TendOrder.check(names: question.keys.keys)
        guard (0.1...600).contains(question.seconds) else {
            throw Fault(.usage, "doctor", "\(question.seconds) s is no time to measure a network in")
        }
        // As a worker has them: for their owner only, and refused if they are not.
        let folder = question.keys.isEmpty ? nil : try PrivateFolder(question.keys)
        defer { folder?.remove() }
        let security = try Security(keys: folder?.path ?? "", insecure: folder == nil, role: .worker)
        func bench(
            _ direction: NetworkBench.Direction, part: Int, seconds: Double, underWay: Int
        ) throws(Fault) -> NetworkBench {
            try NetworkBench(
                sender: security, endpoint: question.endpoint, to: .coordinator, direction, part: part,
                seconds: seconds, underWay: underWay)
        }
        let there = try bench(.there, part: 1 << 20, seconds: question.seconds, underWay: 8)
        let back = try bench(.back, part: 1 << 20, seconds: question.seconds, underWay: 8)
        let trips = try bench(.there, part: 1, seconds: min(0.25, question.seconds), underWay: 1)
        self.init(
            bytesPerSecond: there.bytesPerSecond, bytesPerSecondBack: back.bytesPerSecond,
            roundTripSeconds: trips.seconds / Double(max(1, trips.bytes)))
    }
}
