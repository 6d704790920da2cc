import Reporting
import Synchronization
import Threads

/// Writes a file of a run on a thread of its own, in order: a disk that hangs does not keep the coordinator from hearing
/// its workers.
///
/// Memory is bounded: what would have to wait behind thousands of writes is left out and counted, which is told when it
/// begins and at the end. The ledger lies on the same disk and holds the steps up long before.
final class FileThread: Sendable {
    private let path: String
    private let thread: TaskThread
    private let leftOut = Atomic<Int>(0)

    /// - Parameter path: Of the file, for people.
    init(_ path: String, limit: Int = 4096) {
        self.path = path
        thread = TaskThread(name: "file of the run", limit: limit)
    }

    /// From any thread; returns at once.
    func post(_ write: @escaping @Sendable () -> Void) {
        guard !thread.post(write) else { return }
        if leftOut.add(1, ordering: .relaxed).oldValue == 0 {
            standardError("zoetrope: \(path): the disk is too slow; what comes now is left out\n")
        }
    }

    /// Waits until all is written, as long as the disk takes: as for the ledger and the checkpoints.
    func finish() {
        thread.finish()
        let count = leftOut.load(ordering: .relaxed)
        if count > 0 { standardError("zoetrope: \(path): left out, for the disk was too slow: \(count)\n") }
    }
}
