/// What waits to be written for people, in order and in bounded memory: a pure machine.
///
/// Of progress only the newest waits: its successor makes it stale, and a notice that finds no room goes before it. Notices
/// wait as long as there is room for them; then they are left out. Where lines are missing, what is written next says first
/// how many.
package struct ConsoleQueue: Sendable {
    private struct Item {
        var text: String
        var isProgress: Bool
        /// Lines that are missing before it.
        var leftOut: Int
    }

    private let limit: Int
    private var items: ArraySlice<Item> = []
    private var bytes = 0
    /// Lines that are missing behind all that waits.
    private var leftOut = 0

    /// - Parameter limit: Bytes that may wait.
    package init(limit: Int) { self.limit = limit }

    /// - Parameter isProgress: The next of its kind makes it stale.
    package mutating func add(_ text: String, isProgress: Bool = false) {
        let count = text.utf8.count
        if isProgress || bytes + count > limit { leaveOutProgress() }
        guard bytes + count <= limit else { return leaveOut(text) }
        items.append(Item(text: text, isProgress: isProgress, leftOut: leftOut))
        bytes += count
        leftOut = 0
    }

    /// What is to be written next; nil when nothing waits.
    package mutating func next() -> String? {
        guard let item = items.popFirst() else {
            defer { leftOut = 0 }
            return leftOut > 0 ? Self.gap(leftOut) : nil
        }
        bytes -= item.text.utf8.count
        return item.leftOut > 0 ? Self.gap(item.leftOut) + item.text : item.text
    }

    package var isEmpty: Bool { items.isEmpty && leftOut == 0 }

    /// What stands where so many lines are missing.
    package static func gap(_ lines: Int) -> String {
        "zoetrope: stderr was not read for a while; lines left out here: \(lines)\n"
    }

    private mutating func leaveOutProgress() {
        guard let place = items.firstIndex(where: \.isProgress) else { return }
        let item = items.remove(at: place)
        bytes -= item.text.utf8.count
        leftOut += item.leftOut
        leaveOut(item.text)
    }

    private mutating func leaveOut(_ text: String) {
        // A bar that is drawn anew is missed by nobody.
        if text.hasSuffix("\n") { leftOut += 1 }
    }
}
