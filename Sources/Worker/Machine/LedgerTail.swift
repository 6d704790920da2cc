internal import Wire

/// A copy of the ledger's end, for a coordinator whose disk has lost it: it travels in one message, so of a long one the
/// newest part is kept.
struct LedgerTail: Sendable {
    private(set) var records: [LedgerRecord] = []
    private var sizes: [Int] = []
    private var bytes = 0

    /// A quarter of what the header of a message may have (`FrameLimits.largestHeader`).
    private static let mostBytes = 1 << 20

    mutating func append(_ record: LedgerRecord) {
        let size = record.encoded.count
        records.append(record)
        sizes.append(size)
        bytes += size
        guard bytes > Self.mostBytes else { return }
        // Half of it, so that not every record moves all others.
        var (count, left) = (0, bytes)
        while left > Self.mostBytes / 2, count < sizes.count - 1 {
            left -= sizes[count]
            count += 1
        }
        removeFirst(count)
    }

    /// Those of steps that a checkpoint has.
    mutating func remove(before step: Int) { removeFirst(records.prefix { $0.outcome.step < step }.count) }

    private mutating func removeFirst(_ count: Int) {
        bytes -= sizes.prefix(count).reduce(0, +)
        sizes.removeFirst(count)
        records.removeFirst(count)
    }
}
