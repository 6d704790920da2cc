import CWire
import Glibc

/// Memory for unpacking a message from a network or a file: no more than a budget that grows with the message's own size, so
/// that few bytes that claim to be many are refused and not believed.
final class BoundedMemory {
    private var left: Int
    private var allocator = ProtobufCAllocator()

    /// - Parameter perByte: a field of two bytes may become a struct of a hundred; strings and numbers take what they
    ///   say.
    init(for bytes: Int, perByte: Int = 64) {
        left = perByte * bytes + 65536
    }

    /// Calls `body` with an allocator that draws on the budget. What `body` unpacks it must free with the same.
    func withAllocator<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) throws -> Result) rethrows -> Result {
        allocator.alloc = { owner, size in
            guard let owner else { return nil }
            let memory = Unmanaged<BoundedMemory>.fromOpaque(owner).takeUnretainedValue()
            guard size <= memory.left else { return nil }
            memory.left -= size
            return malloc(size)
        }
        allocator.free = { _, block in free(block) }
        allocator.allocator_data = Unmanaged.passUnretained(self).toOpaque()
        return try withExtendedLifetime(self) { try withUnsafeMutablePointer(to: &allocator, body) }
    }
}
