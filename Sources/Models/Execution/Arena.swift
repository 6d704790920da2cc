import Faults
import Glibc

/// One piece of memory for everything a pass needs, taken once and given back whole.
final class Arena {
    let base: UnsafeMutableRawPointer
    let bytes: Int
    /// What the system gave: a page more, so that the arena begins with one.
    private let mapping: UnsafeMutableRawPointer
    private let mapped: Int

    private static let page = 2 << 20

    /// What an arena of `bytes` takes: whole huge pages.
    static func rounded(_ bytes: Int) -> Int { (max(bytes, 1) + page - 1) / page * page }

    /// Zeroed memory, on huge pages where the system has them: the buffers are megabytes long. Pages that nobody touches
    /// are never there, and all go back to the system at once.
    ///
    /// - Throws: a usage `Fault` when the system has not that much.
    init(bytes: Int, for thing: String, mend: String) throws(Fault) {
        self.bytes = Self.rounded(bytes)
        mapped = self.bytes + Self.page
        let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw Fault(
                .usage, thing, "needs \(self.bytes >> 20) MiB, which the system refused", mend: mend)
        }
        mapping = memory
        base = memory.alignedUp(toMultipleOf: Self.page)
        madvise(base, self.bytes, MADV_HUGEPAGE)
    }

    deinit { munmap(mapping, mapped) }

    func floats(at offset: Int) -> UnsafeMutablePointer<Float> { (base + offset).assumingMemoryBound(to: Float.self) }

    func doubles(at offset: Int) -> UnsafeMutablePointer<Double> {
        (base + offset).assumingMemoryBound(to: Double.self)
    }
}
