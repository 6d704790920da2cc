import Faults

/// The segments of a log, as their names tell: `FIRST.log`, or `FIRST-GENERATION.log` where writers take over from each
/// other; FIRST is the number of the first record.
struct LogSegments {
    struct Segment: Equatable {
        var firstRecord: UInt64
        /// 0 in a log with one writer at a time.
        var generation: UInt64

        var name: String {
            Self.digits(firstRecord, 16) + (generation > 0 ? "-" + Self.digits(generation, 8) : "") + ".log"
        }

        private static func digits(_ value: UInt64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }

        init(firstRecord: UInt64, generation: UInt64) {
            self.firstRecord = firstRecord
            self.generation = generation
        }

        init?(name: String) {
            guard name.hasSuffix(".log") else { return nil }
            let parts = name.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = UInt64(parts[0]) else { return nil }
            firstRecord = first
            generation = 0
            if parts.count == 2 {
                guard let number = UInt64(parts[1]), number > 0 else { return nil }
                generation = number
            }
            guard self.name == name else { return nil }
        }
    }

    /// In order; each one's records end where the next begins.
    private(set) var chain: [Segment] = []
    /// Begun by a writer that a later one had taken over from already: nothing in them counts.
    private(set) var strays: [Segment] = []

    /// - Throws: `Fault.data` for a file that is no segment but is called as if it were.
    init(_ directory: String) throws(Fault) {
        var segments: [Segment] = []
        for name in try directoryNames(directory) where name.hasSuffix(".log") {
            guard let segment = Segment(name: name) else {
                throw Fault(
                    .data, directory + "/" + name, "is not called as a segment of a log is",
                    mend: "move it away if it was put there by hand")
            }
            segments.append(segment)
        }
        segments.sort { ($0.firstRecord, $0.generation) < ($1.firstRecord, $1.generation) }
        for segment in segments {
            if segment.generation < chain.last?.generation ?? 0 {
                strays.append(segment)
            } else {
                chain.append(segment)
            }
        }
    }
}
