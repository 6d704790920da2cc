/// Something about a line of a list that its user should know.
public struct ListProblem: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        // What makes a list wrong.
        case malformed
        case unknownClass = "unknown-class"
        case labelOutOfRange = "label-out-of-range"
        case outside
        case conflict
        case noSplit = "no-split"
        // What is left out or only noted.
        case noLabel = "no-label"
        case duplicate
        case twoSplits = "two-splits"
        case missing
        case empty
        case ambiguous

        /// Whether lists are not written because of it, unless the user says so.
        public var isError: Bool {
            switch self {
            case .malformed, .unknownClass, .labelOutOfRange, .outside, .conflict, .noSplit: true
            case .noLabel, .duplicate, .twoSplits, .missing, .empty, .ambiguous: false
            }
        }
    }

    public let place: Place
    public let kind: Kind
    public let reason: String

    public init(_ place: Place, _ kind: Kind, _ reason: String) {
        self.place = place
        self.kind = kind
        self.reason = reason
    }
}
