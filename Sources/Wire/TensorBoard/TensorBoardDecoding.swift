import CWire

extension TensorBoardEvent {
    /// Of which step a record tells a tag. It may come from anyone: memory is bounded by its length.
    ///
    /// - Parameter record: The protobuf form, without the frame that a file puts round it.
    /// - Returns: nil where it does not tell that tag, or is no event.
    public static func step(of record: UnsafeRawBufferPointer, telling tag: String) -> Int? {
        let memory = BoundedMemory(for: record.count)
        return memory.withAllocator { allocator in
            let bytes = record.bindMemory(to: UInt8.self)
            guard let event = tensorboard__event__unpack(allocator, bytes.count, bytes.baseAddress) else { return nil }
            defer { tensorboard__event__free_unpacked(event, allocator) }
            guard let summary = event.pointee.summary else { return nil }
            let values = UnsafeBufferPointer(start: summary.pointee.value, count: summary.pointee.n_value)
            guard values.contains(where: { Checking.text($0?.pointee.tag) == tag }) else { return nil }
            return Int(event.pointee.step)
        }
    }
}
