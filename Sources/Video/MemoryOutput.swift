import CFFmpeg
import Faults
import Glibc

/// Memory as libav's output, with seeking back to fill in sizes. The owner of the `AVIOContext`.
final class MemoryOutput {
    let context: UnsafeMutablePointer<AVIOContext>
    private let target: UnsafeMutablePointer<Target>

    private struct Target {
        var bytes: [UInt8] = []
        var position = 0
    }

    init() throws(Fault) {
        let bufferSize = 64 << 10
        let target = UnsafeMutablePointer<Target>.allocate(capacity: 1)
        target.initialize(to: Target())
        guard let buffer = av_malloc(bufferSize),
            let context = avio_alloc_context(
                buffer.assumingMemoryBound(to: UInt8.self), Int32(bufferSize), 1, target, nil, Self.write, Self.seek)
        else {
            target.deinitialize(count: 1)
            target.deallocate()
            throw Fault(.internal, "video", "libav has no memory for an output")
        }
        self.target = target
        self.context = context
    }

    deinit {
        av_free(context.pointee.buffer)
        var context: UnsafeMutablePointer<AVIOContext>? = context
        avio_context_free(&context)
        target.deinitialize(count: 1)
        target.deallocate()
    }

    /// All that was written.
    func takeBytes() -> [UInt8] {
        avio_flush(context)
        return target.pointee.bytes
    }

    private static let write: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32 =
        {
            opaque, buffer, size in
            guard let target = opaque?.assumingMemoryBound(to: Target.self), let buffer, size >= 0 else {
                return Libav.invalidData
            }
            let incoming = UnsafeBufferPointer(start: buffer, count: Int(size))
            let position = target.pointee.position
            let overlap = min(incoming.count, target.pointee.bytes.count - position)
            target.pointee.bytes.replaceSubrange(position..<position + overlap, with: incoming.prefix(overlap))
            target.pointee.bytes.append(contentsOf: incoming.dropFirst(overlap))
            target.pointee.position += incoming.count
            return size
        }

    private static let seek: @convention(c) (UnsafeMutableRawPointer?, Int64, Int32) -> Int64 = {
        opaque, offset, whence in
        guard let target = opaque?.assumingMemoryBound(to: Target.self) else { return Int64(Libav.invalidData) }
        let length = Int64(target.pointee.bytes.count)
        let base: Int64
        switch whence & ~AVSEEK_FORCE {
        case AVSEEK_SIZE: return length
        case SEEK_SET: base = 0
        case SEEK_CUR: base = Int64(target.pointee.position)
        case SEEK_END: base = length
        default: return -Int64(EINVAL)
        }
        let (position, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, position >= 0, position <= length else { return -Int64(EINVAL) }
        target.pointee.position = Int(position)
        return position
    }
}
