import Protocol
import Testing
import Wire

/// A link over a connection that loses: each message once and in order.
@Suite struct LinkTests {
    private func ends() -> (Link<Int, String>, Link<String, Int>) {
        (Link(local: 1, remote: 2, resend: 1), Link(local: 2, remote: 1, resend: 1))
    }

    @Test func anUnbrokenConnectionRepeatsNothing() {
        var (a, b) = ends()
        for i in 0..<5 {
            let frame = a.send(i, now: 0)
            #expect(b.receive(frame, now: 0).message == i)
        }
        let receipt = b.flush()
        #expect(receipt?.received == 5 && receipt?.message == nil)
        #expect(b.flush() == nil)
        if let receipt { #expect(a.receive(receipt, now: 0).repetitions.isEmpty) }
        #expect(a.isIdle && a.tick(now: 100) == nil && a.flush() == nil)
    }

    @Test func whatCameBehindAMessageSaysThatItIsThere() {
        var (a, b) = ends()
        #expect(a.lastSent == 0 && b.lastSent == 0)
        let question = a.send(1, now: 0)
        let early = b.send("before", now: 0)
        #expect(b.receive(question, now: 0).message == 1)
        let late = b.send("behind", now: 0)
        #expect(a.receive(early, now: 0).message == "before")
        #expect(a.lastSent == 1 && !a.hasReceived(1))
        #expect(a.receive(late, now: 0).message == "behind")
        #expect(a.lastSent == 1 && a.hasReceived(1) && !a.hasReceived(2))
    }

    @Test func aGapBringsEverythingAfterItAgain() throws {
        var (a, b) = ends()
        #expect(b.receive(a.send(1, now: 0), now: 0).message == 1)
        _ = a.send(2, now: 0)
        let third = a.send(3, now: 0)
        #expect(b.receive(third, now: 0).message == nil)
        let flushed = b.flush()
        let report = try #require(flushed)
        #expect(report.missing && report.received == 1)
        let repetitions = a.receive(report, now: 0.1).repetitions
        #expect(repetitions.compactMap(\.message) == [2, 3])
        #expect(repetitions.compactMap { b.receive($0, now: 0.2).message } == [2, 3])
        // A second report of the same gap, and late repetitions, change nothing.
        #expect(a.receive(report, now: 0.2).repetitions.isEmpty)
        #expect(repetitions.compactMap { b.receive($0, now: 0.3).message }.isEmpty)
        a.deliver(b.flush(), now: 0.3)
        #expect(a.isIdle)
    }

    @Test func aProbeFindsALostTail() throws {
        var (a, b) = ends()
        _ = a.send(1, now: 0)
        _ = a.send(2, now: 0)
        #expect(a.tick(now: 0.5) == nil)
        let sent = a.tick(now: 1)
        let probe = try #require(sent)
        #expect(probe.message == nil && probe.sequence == 2)
        #expect(b.receive(probe, now: 1).message == nil)
        let flushed = b.flush()
        let report = try #require(flushed)
        #expect(report.missing)
        let repetitions = a.receive(report, now: 1).repetitions
        #expect(repetitions.compactMap { b.receive($0, now: 1).message } == [1, 2])
    }

    @Test func aProbeOfWhatArrivedBringsAReceipt() throws {
        var (a, b) = ends()
        _ = b.receive(a.send(1, now: 0), now: 0)
        _ = b.flush()  // lost
        let sent = a.reconnected(now: 0.1)
        let probe = try #require(sent)
        #expect(b.receive(probe, now: 0.2).message == nil)
        let flushed = b.flush()
        let receipt = try #require(flushed)
        #expect(!receipt.missing)
        #expect(a.receive(receipt, now: 0.2).repetitions.isEmpty)
        #expect(a.isIdle)
    }

    @Test func nonsenseChangesNothing() {
        var (a, _) = ends()
        _ = a.send(1, now: 0)
        for received in [UInt64(2), 1 << 40, .max] {
            let frame = Frame<String>(sender: 2, receiver: 1, sequence: 0, received: received, message: nil)
            #expect(a.receive(frame, now: 0).repetitions.isEmpty)
            #expect(!a.isIdle)
        }
        let other = Frame<String>(sender: 2, receiver: 1, sequence: 1, received: 1, session: 9, message: "x")
        #expect(a.receive(other, now: 0).message == nil)
        #expect(!a.isIdle)
    }

    /// It does not know it before it is answered; what it says under another one afterwards is for somebody else.
    @Test func whoOpensNeedNotKnowTheSession() {
        var opening = Link<Int, String>(local: 1, remote: 0, resend: 1)
        var answering = Link<String, Int>(local: 2, remote: 1, session: 7, resend: 1)
        #expect(answering.receive(opening.send(1, now: 0), now: 0).message == 1)
        var elsewhere = opening
        elsewhere.learn(remote: 2, session: 8)
        #expect(answering.receive(elsewhere.send(2, now: 0), now: 0).message == nil)
        opening.learn(remote: 2, session: 7)
        #expect(answering.receive(opening.send(2, now: 0), now: 0).message == 2)
        #expect(opening.receive(answering.send("x", now: 0), now: 0).message == "x")
    }
}

extension Link {
    fileprivate mutating func deliver(_ frame: Frame<Incoming>?, now: Double) {
        if let frame { _ = receive(frame, now: now) }
    }
}
