package import Wire

/// Memory as a worker has it, whose chunks have left every cache when they are sent, once in a step, and which keeps what it
/// gets for a while: one part again and again, in memory that is freed at once, would stay in the caches.
extension NetworkBench {
    /// Bytes from which on memory counts; smaller parts time the way, and would be kept by the million.
    private static let large = 64 << 10

    /// What takes turns at being sent: parts of 128 MiB together if they are large, or else one.
    package static func parts(of count: Int) -> [Payload] {
        let parts = count < large ? 1 : ((128 << 20) + count - 1) / count
        return (0..<parts).map { _ in filledPayload(count) }
    }

    static func filledPayload(_ count: Int) -> Payload {
        let payload = PayloadPool().payload(count: count)
        payload.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
        return payload
    }

    /// The large parts that came last, 64 MiB of them at most, whoever sends.
    package struct Kept {
        private var parts: [Payload] = []
        package private(set) var bytes = 0

        package init() {}

        package mutating func keep(_ new: [Payload]) {
            for part in new where part.count >= large {
                parts.append(part)
                bytes += part.count
            }
            while bytes > 64 << 20 { bytes -= parts.removeFirst().count }
        }
    }
}
