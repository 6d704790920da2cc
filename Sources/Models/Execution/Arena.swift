import Faults
import Glibc

/// One piece of memory for everything a pass needs, taken once and given back whole.
final class Arena {
    let base: UnsafeMutableRawPointer
    let bytes: Int

    /// Zeroed memory, on huge pages where the system has them: the buffers are megabytes long.
    ///
    /// - Throws: a usage `Fault` when the system has not that much.
    init(bytes: Int, for thing: String) throws(Fault) {
        let page = 2 << 20
        self.bytes = (max(bytes, 1) + page - 1) / page * page
        guard let memory = aligned_alloc(page, self.bytes) else {
            throw Fault(
                .usage, thing, "needs \(self.bytes >> 20) MiB, which the system refused",
                mend: "take fewer clips at a time, fewer frames or smaller ones")
        }
        base = memory
        madvise(base, self.bytes, MADV_HUGEPAGE)
        memset(base, 0, self.bytes)
    }

    deinit { free(base) }

    func floats(at offset: Int) -> UnsafeMutablePointer<Float> { (base + offset).assumingMemoryBound(to: Float.self) }

    func doubles(at offset: Int) -> UnsafeMutablePointer<Double> {
        (base + offset).assumingMemoryBound(to: Double.self)
    }
}
