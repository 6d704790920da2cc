/// Bytes of a stream as lines.
struct LineSplitter {
    private var rest: [UInt8] = []
    /// Bytes of a line; longer ones are cut into several.
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The lines that `bytes` complete, without their ends.
    mutating func add(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte != 10 { rest.append(byte) }
            if byte == 10 || rest.count >= limit { lines.append(end() ?? []) }
        }
        return lines
    }

    /// What stands behind the last end of a line; nil when nothing does.
    mutating func end() -> [UInt8]? {
        defer { rest.removeAll(keepingCapacity: true) }
        return rest.isEmpty ? nil : rest
    }
}
