public import Wire

/// One end of a channel between two processes that delivers each message once and in order while both live.
///
/// A pure machine. Connections lose what was under way when they break, and a connection made again may bring late what
/// the old one carried. So messages are numbered, kept until the other end has said that it received them, and sent
/// again from the first missing one (go-back-N). In an unbroken connection nothing is ever sent twice: the sender of a
/// message that gets no receipt asks with a bare number whether it is there, and only a gap brings the bytes again.
public struct Link<Outgoing: Sendable, Incoming: Sendable>: Sendable {
    public let local: UInt64
    /// 0 until the other end is known.
    public private(set) var remote: UInt64
    /// Frames of another session are not of this link, but for the one that opens, which is for nobody yet.
    public private(set) var session: UInt64
    /// Sent, not received as far as we know; the first has the number `firstKept`.
    private var kept: [Outgoing] = []
    private var firstKept: UInt64 = 1
    private var delivered: UInt64 = 0
    private var owesReceipt = false
    private var gapReported = false
    /// When the receipts last went on, or the last probe left.
    private var quietSince = 0.0
    private var repeatedAt: Double?
    private let resend: Double

    /// - Parameter resend: Seconds without a receipt before the link asks, and between two repetitions.
    public init(local: UInt64, remote: UInt64, session: UInt64 = 0, resend: Double) {
        self.session = session
        self.local = local
        self.remote = remote
        self.resend = resend
    }

    /// Everything sent has been received.
    public var isIdle: Bool { kept.isEmpty }

    /// The number of the message that was sent last; 0 before the first.
    public var lastSent: UInt64 { firstKept + UInt64(kept.count) - 1 }

    /// Whether the other end is known to have received the message with this number. What it has sent since says so.
    public func hasReceived(_ number: UInt64) -> Bool { number < firstKept }

    public mutating func learn(remote: UInt64, session: UInt64) {
        self.remote = remote
        self.session = session
    }

    /// Numbers the message and keeps it until it is received.
    public mutating func send(_ message: Outgoing, now: Double) -> Frame<Outgoing> {
        if kept.isEmpty { quietSince = now }
        kept.append(message)
        return frame(sequence: lastSent, message: message)
    }

    /// What a frame brings: the message if it is the next one, and frames to send now (repetitions).
    public mutating func receive(
        _ frame: Frame<Incoming>, now: Double
    ) -> (message: Incoming?, repetitions: [Frame<Outgoing>]) {
        guard frame.session == session || frame.receiver == 0 else { return (nil, []) }
        take(receipt: frame.received, now: now)
        let repetitions = frame.missing ? repeatAll(now: now) : []
        guard frame.message != nil || frame.sequence > delivered else {
            // A receipt, or a probe for what is there: a probe is answered, a receipt is not.
            if frame.sequence > 0 { owesReceipt = true }
            return (nil, repetitions)
        }
        owesReceipt = true
        if frame.sequence == delivered + 1, let message = frame.message {
            delivered += 1
            gapReported = false
            return (message, repetitions)
        }
        // A late repetition is dropped; of a gap the other end is told once, and again at each probe.
        if frame.sequence > delivered, frame.message == nil || !gapReported { pendingGap = true }
        return (nil, repetitions)
    }

    private var pendingGap = false

    /// The receipt that is owed, if no other frame has carried it. Call it when an event has been handled.
    public mutating func flush() -> Frame<Outgoing>? {
        guard owesReceipt || pendingGap else { return nil }
        return frame(sequence: 0, message: nil)
    }

    /// Asks for a receipt when none has come for too long.
    public mutating func tick(now: Double) -> Frame<Outgoing>? {
        guard !kept.isEmpty, now - quietSince >= resend else { return nil }
        return probe(now: now)
    }

    /// The connection is there again: ask at once.
    public mutating func reconnected(now: Double) -> Frame<Outgoing>? { kept.isEmpty ? nil : probe(now: now) }

    /// A frame that the other end answers, whether something is missing or not; nil when nothing was ever sent.
    public mutating func ask(now: Double) -> Frame<Outgoing>? {
        lastSent > 0 ? probe(now: now) : nil
    }

    private mutating func probe(now: Double) -> Frame<Outgoing> {
        quietSince = now
        return frame(sequence: lastSent, message: nil)
    }

    private mutating func take(receipt: UInt64, now: Double) {
        // A receipt for what was never sent is nonsense from outside: ignored.
        guard receipt >= firstKept, receipt - firstKept < UInt64(kept.count) else { return }
        let count = Int(receipt - firstKept) + 1
        kept.removeFirst(count)
        firstKept += UInt64(count)
        quietSince = now
    }

    private mutating func repeatAll(now: Double) -> [Frame<Outgoing>] {
        // One repetition answers all reports of the same gap that are under way.
        if let repeatedAt, now - repeatedAt < resend / 2 { return [] }
        repeatedAt = now
        quietSince = now
        return kept.indices.map { frame(sequence: firstKept + UInt64($0), message: kept[$0]) }
    }

    private mutating func frame(sequence: UInt64, message: Outgoing?) -> Frame<Outgoing> {
        defer {
            owesReceipt = false
            pendingGap = false
        }
        if pendingGap { gapReported = true }
        return Frame(
            sender: local, receiver: remote, sequence: sequence, received: delivered, missing: pendingGap,
            session: session, message: message)
    }
}
