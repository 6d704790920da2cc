/// The connections of a listener that have not said anything yet: which of them never will.
///
/// A pure machine over what ZeroMQ tells. It says of which connection TCP's part is done and which one ended, but not which
/// one passed the handshake. So who ends is turned away when the failure was told just before, or when more have ended in
/// silence than handshakes succeeded; when that was somebody else after all, it shows as soon as the other speaks.
struct Arrivals {
    /// By file descriptor, with the address.
    private var open: [Int32: String] = [:]
    /// Handshakes that succeeded, whose connections have not said anything yet.
    private var silent = 0
    /// Connections that ended in silence and were taken for one of those.
    private var presumed: [String] = []
    /// Keys that were turned away, whose connections have not ended yet.
    private var denied = 0
    /// Why the connection failed whose end comes next.
    private var failure: HandshakeFailure?

    static let unknownAddress = "an address that was gone already"

    var count: Int { open.count }

    /// Whom this event turned away.
    /// - Parameters:
    ///   - address: Whose connection a new file descriptor is, while it is still there.
    ///   - deniedAddress: Whom the gatekeeper has turned away; asked once for each.
    mutating func take(
        _ event: SocketMonitor.Event, address: (Int32) -> String?, deniedAddress: () -> String?
    ) -> TurnedAway? {
        switch event {
        case .accepted(let number): open[number] = address(number) ?? Self.unknownAddress
        case .connected: silent += 1
        case .failed(.key):
            denied += 1
            return TurnedAway(
                address: deniedAddress() ?? Self.unknownAddress, reason: HandshakeFailure.key.ofConnecting)
        case .failed(let reason): failure = reason
        case .disconnected(let number):
            defer { failure = nil }
            // Whoever has spoken is none of ours.
            guard let address = open.removeValue(forKey: number) else { return nil }
            if let failure { return TurnedAway(address: address, reason: failure.ofConnecting) }
            if denied > 0 {
                denied -= 1
            } else if silent > 0 {
                silent -= 1
                if presumed.count < 1000 { presumed.append(address) }
            } else {
                return TurnedAway(address: address, reason: HandshakeFailure.garbage.ofConnecting)
            }
        }
        return nil
    }

    /// A message came by this connection: it is one of those whose handshakes succeeded.
    /// - Returns: Who was turned away before and taken for it.
    mutating func spoke(_ number: Int32) -> TurnedAway? {
        guard open.removeValue(forKey: number) != nil else { return nil }
        guard silent == 0 else {
            silent -= 1
            return nil
        }
        return presumed.popLast().map {
            TurnedAway(address: $0, reason: HandshakeFailure.garbage.ofConnecting)
        }
    }
}
