import CFFmpeg
import Faults
import Glibc

/// Bytes in memory as libav's input. The owner of the `AVIOContext`; the bytes must outlive it.
final class MemoryInput {
    private(set) var context: UnsafeMutablePointer<AVIOContext>
    private let cursor: UnsafeMutablePointer<Cursor>

    private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var position = 0
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        // Small: what exceeds it is read straight into the packet, and not copied twice.
        let bufferSize = 4 << 10
        let cursor = UnsafeMutablePointer<Cursor>.allocate(capacity: 1)
        cursor.initialize(to: Cursor(bytes: bytes))
        guard let buffer = av_malloc(bufferSize),
            let context = avio_alloc_context(
                buffer.assumingMemoryBound(to: UInt8.self), Int32(bufferSize), 0, cursor, Self.read, nil, Self.seek)
        else {
            cursor.deallocate()
            throw Fault(.internal, "video", "libav has no memory for an input")
        }
        self.cursor = cursor
        self.context = context
    }

    deinit {
        // libav may have replaced the buffer it was given: free the one it has now, then the context.
        av_free(context.pointee.buffer)
        var context: UnsafeMutablePointer<AVIOContext>? = context
        avio_context_free(&context)
        cursor.deallocate()
    }

    private static let read: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32 = {
        opaque, buffer, size in
        guard let cursor = opaque?.assumingMemoryBound(to: Cursor.self), let buffer else { return Libav.invalidData }
        let bytes = cursor.pointee.bytes
        let count = min(Int(size), bytes.count - cursor.pointee.position)
        guard count > 0, let base = bytes.baseAddress else { return Libav.endOfFile }
        memcpy(buffer, base + cursor.pointee.position, count)
        cursor.pointee.position += count
        return Int32(count)
    }

    private static let seek: @convention(c) (UnsafeMutableRawPointer?, Int64, Int32) -> Int64 = {
        opaque, offset, whence in
        guard let cursor = opaque?.assumingMemoryBound(to: Cursor.self) else { return Int64(Libav.invalidData) }
        let length = Int64(cursor.pointee.bytes.count)
        let base: Int64
        switch whence & ~AVSEEK_FORCE {
        case AVSEEK_SIZE: return length
        case SEEK_SET: base = 0
        case SEEK_CUR: base = Int64(cursor.pointee.position)
        case SEEK_END: base = length
        default: return -Int64(EINVAL)
        }
        let (target, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, target >= 0, target <= length else { return -Int64(EINVAL) }
        cursor.pointee.position = Int(target)
        return target
    }
}
