public import Clips
public import Faults
public import Protocol

/// Shares the videos of a packing with helpers that connect: `PackSession` does it, once there is something to do.
public final class PackCoordinator {
    public enum Note: Sendable, Equatable {
        case joined(name: String, capacity: Int)
        /// A helper is gone; so many videos are leased again.
        case left(name: String, reissued: Int)
        /// A helper says that it cannot go on, or is sent away.
        case failed(name: String, reason: String)
        /// What a helper found out about a video was taken.
        case helped(video: String, name: String)
        /// A helper could not do what was done here then.
        case overcame(video: String, name: String, reason: String)
        /// Somebody else found out something else about a video: one of the two is broken.
        case different(video: String, name: String)
        case refused(Fault)
    }

    /// What this process is like.
    public struct Terms: Sendable {
        public var assignment: PackAssignment
        /// `VideoLibraries.versions`.
        public var libraries: String
        /// Videos that are found out about here at a time; with 0 only those that nobody else can do.
        public var hands: Int
        /// Asked again and again: whether to end before all is done.
        public var isStopped: @Sendable () -> Bool = { false }

        public init(assignment: PackAssignment, libraries: String, hands: Int) {
            (self.assignment, self.libraries, self.hands) = (assignment, libraries, hands)
        }

        /// Seconds that a lease may take: one video on the way, one that waits, one in hand.
        var patience: Double { 3 * assignment.seconds + 60 }
    }

    private let terms: Terms
    /// Where helpers may join.
    public let endpoint: String
    /// Until all is done: nobody joins what only writes shards any more.
    private var listener: Listener?

    /// - Parameter listen: `tcp://HOST:PORT`; port 0 takes a free one.
    public init(_ terms: Terms, listen: String, security: Security) throws(Fault) {
        self.terms = terms
        let listener = try Listener(
            try Context(security: security), endpoint: listen,
            limits: FrameLimits(largestPart: PackMessage.mostPart + 4096, largestHeader: 4096, mostPayloads: 4))
        listener.setLinger(milliseconds: 2000)
        endpoint = listener.endpoint
        self.listener = listener
    }

    /// Until everything is recorded. Once.
    /// - Throws: what ends the packing; the helpers have been told.
    public func run(_ work: PackWork, note: @escaping (Note) -> Void) throws(Fault) {
        guard let listener else { throw Fault(.internal, endpoint, "has shared a packing already") }
        defer { self.listener = nil }
        let session = try PackSession(work, listener, terms, note: note)
        do throws(Fault) {
            while true {
                // What stops the packing may have ended the children that were at the last videos.
                if terms.isStopped() {
                    throw Fault(.stoppedEarly, "packing", "was stopped", mend: "the same command continues")
                }
                if session.isDone { break }
                try session.turn()
            }
        } catch {
            session.end(.stopped(reason: error.reason))
            throw error
        }
        session.end(.stop)
    }
}
