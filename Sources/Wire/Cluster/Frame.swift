/// What travels on a link between two processes: at most one message, numbered, with the other direction's receipt.
///
/// A message with the number 0 is outside the order: a refusal to somebody who has no link.
/// Links (`Link`) make of a connection that may lose, repeat or reorder when it breaks a channel that delivers each
/// message once and in order, as long as both ends live. The numbers below are all they need.
public struct Frame<Message: Sendable>: Sendable {
    /// Who sends: a worker's incarnation, or the coordinator's generation.
    public var sender: UInt64
    /// For whom it is: the same of the receiver, or 0 when the sender does not know it yet (the frame that opens).
    public var receiver: UInt64
    /// The number of `message`, from 1; without a message, the number of the last one sent (a probe: is it there?).
    public var sequence: UInt64
    /// All messages of the other direction up to this number have arrived.
    public var received: UInt64
    /// The sender of this frame saw a gap: send again everything after `received`.
    public var missing: Bool
    /// Under what both ends began counting: the numbers mean nothing under another.
    ///
    /// Between a worker and the coordinator the run's number, which the frame that opens does not know yet. Between workers
    /// the generation of the coordinator: a worker that one took for dead may be a member again under the next.
    public var session: UInt64
    public var message: Message?

    public init(
        sender: UInt64, receiver: UInt64, sequence: UInt64, received: UInt64, missing: Bool = false,
        session: UInt64 = 0,
        message: Message?
    ) {
        self.sender = sender
        self.receiver = receiver
        self.sequence = sequence
        self.received = received
        self.missing = missing
        self.session = session
        self.message = message
    }
}
