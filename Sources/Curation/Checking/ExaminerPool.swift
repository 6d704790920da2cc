public import Faults
import Synchronization

/// Children that look at videos, as many as are asked at once; any number of threads may ask.
public final class ExaminerPool: Sendable {
    /// Of one thread at a time: it is in the pool, or with the thread that took it out.
    private struct Idle: @unchecked Sendable {
        let examiner: Examiner
    }

    private let command: [String]
    private let limits: ExaminerLimits
    private let idle = Mutex<[Idle]>([])

    /// - Parameter command: the program: a path a line in, an answer a line out.
    public init(command: [String], limits: ExaminerLimits) { (self.command, self.limits) = (command, limits) }

    /// What a child answers about the video at `path`.
    /// - Throws: a data `Fault` when it crashed over it or took too long; an internal one when no child starts.
    public func ask(_ path: String) throws(Fault) -> String {
        let taken = idle.withLock { $0.popLast() } ?? Idle(examiner: Examiner(command: command, limits: limits))
        defer { idle.withLock { $0.append(taken) } }
        switch try taken.examiner.ask(path) {
        case .answer(let text): return text
        case .lost(_, let reason): throw Fault(.data, path, reason)
        }
    }
}
