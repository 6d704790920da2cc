import Faults

/// The networks of one origin that are built alike.
protocol NetworkFamily {
    /// Every name of the family, in the order of lists.
    static var names: [String] { get }

    /// The clip that network `name`, one of `names`, was published with.
    static func publishedClip(_ name: String) -> PublishedClip

    /// The network that is asked for; `request.name` is one of `names`.
    /// - Throws: `Fault.usage` for a clip or an option that the network does not take.
    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription
}

/// Frames and pixels of the clips that a network was published with.
public struct PublishedClip: Sendable, Equatable {
    public var frames: Int
    /// Rows and columns.
    public var size: Int
}
