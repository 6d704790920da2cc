/// Which files of a full cache go: those that were used longest ago and that nobody uses now.
package enum CacheEviction {
    package struct Entry: Equatable {
        package var name: String
        package var byteCount: Int
        /// Nanoseconds since 1970; files of the same moment go in the order of their names.
        package var lastUsed: Int
        package var isInUse: Bool

        package init(name: String, byteCount: Int, lastUsed: Int, isInUse: Bool) {
            self.name = name
            self.byteCount = byteCount
            self.lastUsed = lastUsed
            self.isInUse = isInUse
        }
    }

    /// - Parameters:
    ///   - need: Bytes of the file that is to come.
    ///   - limit: Bytes that all files may have together.
    /// - Returns: What to remove, in order; `nil` when there is no room even so, until somebody stops using something.
    package static func victims(among entries: [Entry], need: Int, limit: Int) -> [Entry]? {
        var total = entries.reduce(need) { $0 + $1.byteCount }
        var victims: [Entry] = []
        for entry in idle(entries) {
            guard total > limit else { break }
            total -= entry.byteCount
            victims.append(entry)
        }
        return total <= limit ? victims : nil
    }

    /// What could go, the longest unused first.
    static func idle(_ entries: [Entry]) -> [Entry] {
        entries.filter { !$0.isInUse }.sorted { ($0.lastUsed, $0.name) < ($1.lastUsed, $1.name) }
    }
}
