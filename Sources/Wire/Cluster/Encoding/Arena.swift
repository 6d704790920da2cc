import CWire

/// Memory for the C structs of one outgoing message; all of it goes when the arena does.
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    private func allocate<Value>(_: Value.Type, count: Int) -> UnsafeMutablePointer<Value> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Value>.stride, alignment: 16)
        blocks.append(block)
        return block.bindMemory(to: Value.self, capacity: max(1, count))
    }

    /// A message set up by its generated `init` function and then by `fill`.
    func make<Message>(
        _ initialise: (UnsafeMutablePointer<Message>?) -> Void,
        _ fill: (UnsafeMutablePointer<Message>) -> Void = { _ in }
    ) -> UnsafeMutablePointer<Message> {
        let message = allocate(Message.self, count: 1)
        initialise(message)
        fill(message)
        return message
    }

    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = allocate(CChar.self, count: bytes.count)
        bytes.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: $0.count) }
        return copy
    }

    func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let copy = allocate(Element.self, count: elements.count)
        for (i, element) in elements.enumerated() { (copy + i).initialize(to: element) }
        return copy
    }

    func numbers(_ values: [Int]) -> UnsafeMutablePointer<Int64> { array(values.map(Int64.init)) }

    func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        array(texts.map { string($0) })
    }
}
