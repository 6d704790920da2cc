import Glibc

/// One piece of memory for everything a pass needs, taken once and given back whole.
final class Arena {
    let base: UnsafeMutableRawPointer
    let bytes: Int

    /// Zeroed memory, on huge pages where the system has them: the buffers are megabytes long.
    init(bytes: Int) {
        let page = 2 << 20
        self.bytes = (max(bytes, 1) + page - 1) / page * page
        guard let memory = aligned_alloc(page, self.bytes) else {
            fatalError("the system refused \(self.bytes) bytes for a network's activations")
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
