/// What stands before each line of a launch's log: who says it, in a colour of its own on a terminal.
public struct LogPrefix: Sendable {
    private let isColoured: Bool
    private let width: Int

    /// - Parameters:
    ///   - parts: Names that will come, for a common width.
    ///   - isColoured: Whether a terminal shows the lines.
    public init(names: [String], isColoured: Bool) {
        self.isColoured = isColoured
        width = min(24, names.map(\.count).max() ?? 0)
    }

    public func text(_ part: LaunchPart) -> String {
        let name = part.description
        let padding = String(repeating: " ", count: max(0, width - name.count))
        guard isColoured else { return "[\(name)]\(padding) " }
        // The coordinator bold; hosts in one of the six colours that every terminal has.
        let sum = name.utf8.reduce(5381) { ($0 &* 33 ^ Int($1)) & 0xFFFF_FFFF }
        let style = part == .coordinator ? "1" : "\(31 + sum % 6)"
        return "\u{1B}[\(style)m[\(name)]\u{1B}[0m\(padding) "
    }
}
