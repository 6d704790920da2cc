import Faults

/// Bounds what a file may make us build by its own size: a few bytes of it may name the same storage, string or array
/// any number of times.
struct MemoryBudget {
    /// A checkpoint names each byte about once; tied weights and expanded views more than once.
    static let perByte = 4
    /// So that tiny files may hold many small things.
    static let allowance = 1 << 20

    private let source: CheckpointBytes
    private let limit: Int
    private var used = 0

    init(for source: CheckpointBytes) {
        self.source = source
        limit = Self.perByte * source.count + Self.allowance
    }

    /// Asks for `count` bytes before they are allocated, for what stands at `offset`.
    mutating func spend(_ count: Int, at offset: Int) throws(Fault) {
        guard count >= 0, count <= limit - used else {
            throw source.fault(
                at: offset,
                "the tensors and texts up to here take more than \(limit) bytes, more than a file of "
                    + "\(source.count) should hold",
                mend: "it names the same data again and again; save it with contiguous tensors")
        }
        used += count
    }
}
