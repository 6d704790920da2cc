import Faults
import Glibc
import Protocol
import Synchronization
import TestSupport
import Testing
import Threads
import Wire

@Suite("Sockets over loopback")
struct SocketTests {
    @Test("Headers and payloads arrive whole and in order, both ways")
    func roundTrip() throws {
        let loopback = try Loopback()
        let connection = try loopback.connect()
        let pool = PayloadPool()
        for size in [0, 1, 33, 8192, 300_000, 4 << 20] {
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let payloads = [pool.payload(copying: sent), pool.payload(copying: [UInt8]([1, 2, 3]))]
            _ = try loopback.until { () -> Bool? in
                while connection.next() != nil {}
                return connection.send(header: [9, 8], payloads: payloads) == .sent ? true : nil
            }
            let (peer, header, received) = try loopback.nextMessage()
            #expect(header == [9, 8])
            #expect(received.map { $0.array(of: UInt8.self) } == [sent, [1, 2, 3]])
            #expect(loopback.listener.send(to: peer, header: [5], payloads: received) == .sent)
            let (answer, back) = try loopback.nextMessage(connection)
            #expect(answer == [5])
            #expect(back.map { $0.array(of: UInt8.self) } == [sent, [1, 2, 3]])
        }
    }

    @Test("A payload is given back when ZeroMQ has sent it, not before the send and not twice")
    func payloadIsReleased() throws {
        let loopback = try Loopback()
        let connection = try loopback.connect()
        let released = Counter()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 3)
        var payload: Payload? = Payload(adopting: memory) { _ in released.add() }
        _ = try loopback.until { () -> Bool? in
            while connection.next() != nil {}
            guard let payload else { return true }
            return connection.send(header: [1], payloads: [payload]) == .sent ? true : nil
        }
        #expect(released.value == 0)
        payload = nil
        let received = try loopback.nextMessage()
        #expect(received.payloads.first?.count == 1 << 20)
        _ = try loopback.until { released.value == 1 ? true : nil }
        memory.deallocate()
        withExtendedLifetime(received.payloads) {
            #expect(received.payloads.first?.bytes.allSatisfy { $0 == 3 } == true)
        }
    }

    @Test("A port in use is a fault that says so")
    func portInUse() throws {
        let loopback = try Loopback()
        let fault = #expect(throws: Fault.self) {
            try Listener(loopback.context, endpoint: loopback.listener.endpoint)
        }
        #expect(fault?.code == .usage)
        #expect(fault?.thing == loopback.listener.endpoint)
        #expect(fault?.reason.contains("port is in use") == true)
    }

    @Test("Addresses that are none, or not ours, are faults", arguments: ["127.0.0.1:5", "tcp://192.0.2.1:5", "x://y"])
    func badAddress(endpoint: String) throws {
        let context = try Context()
        let fault = #expect(throws: Fault.self) { try Listener(context, endpoint: endpoint) }
        #expect(fault?.code == .usage)
    }

    @Test("A connection that goes is noticed at once, and its name is unreachable; a new one is another peer")
    func peerGoes() throws {
        let loopback = try Loopback()
        var peers: [Peer] = []
        for round in 0..<3 {
            let connection = try loopback.connect()
            _ = try loopback.until { () -> Bool? in
                while connection.next() != nil {}
                return connection.send(header: [UInt8(round)]) == .sent ? true : nil
            }
            let (peer, header, _) = try loopback.nextMessage()
            #expect(header == [UInt8(round)])
            #expect(!peers.contains(peer))
            peers.append(peer)
            loopback.poller.forget(connection)
        }
        try loopback.waitForDisconnections(3)
        #expect(loopback.gone == Set(peers))
        // ZeroMQ's own thread tells that a connection is gone a moment before the socket lets go of its pipe.
        for peer in peers {
            _ = try loopback.until { loopback.listener.send(to: peer, header: [1]) == .unreachable ? true : nil }
        }
    }

    /// Whoever hears the end first takes the last words for a sign of life.
    @Test("What a connection brought before it ended is told before its end")
    func lastWords() throws {
        let (loopback, elsewhere) = (try Loopback(), try Loopback())
        for round in 0..<20 {
            var connection: Connection? = try loopback.connect()
            _ = try loopback.until { () -> Bool? in
                while connection?.next() != nil {}
                return connection?.send(header: [1]) == .sent ? true : nil
            }
            let (peer, _, _) = try loopback.nextMessage()
            #expect(!loopback.listener.hasEnded(peer))
            connection?.setLinger(milliseconds: 2000)
            #expect(connection?.send(header: [2]) == .sent)
            if let connection { loopback.poller.forget(connection) }
            connection = nil
            // Both may arrive meanwhile; the listener is not asked.
            let other = try elsewhere.connect()
            _ = try elsewhere.until { () -> Bool? in
                while other.next() != nil {}
                return other.send(header: [3]) == .sent ? true : nil
            }
            _ = try elsewhere.nextMessage()
            elsewhere.poller.forget(other)
            var heard: [[UInt8]] = []
            let end = try loopback.until { () -> Peer? in
                while let event = loopback.listener.next() {
                    switch event {
                    case .message(_, let header, _): heard.append(header.array(of: UInt8.self))
                    case .disconnected(let peer): return peer
                    case .turnedAway, .refused: break
                    }
                }
                return nil
            }
            #expect(end == peer && heard == [[2]], "round \(round)")
            #expect(!loopback.listener.hasEnded(peer))
        }
    }

    @Test("A listener that goes is noticed at once; the connection comes up again when it is back")
    func listenerReturns() throws {
        let context = try Context()
        let poller = Poller()
        var listener: Listener? = try Listener(context, endpoint: "tcp://127.0.0.1:*")
        let endpoint = try #require(listener?.endpoint)
        let connection = try Connection(context, endpoint: endpoint)
        poller.watch(connection)
        func wait(connected: Bool) {
            let deadline = ContinuousClock.now + .seconds(60)
            while connection.isConnected != connected, ContinuousClock.now < deadline {
                if connection.next() == nil { poller.wait(milliseconds: 20) }
            }
            #expect(connection.isConnected == connected)
        }
        wait(connected: true)
        listener = nil
        wait(connected: false)
        #expect(connection.send(header: [1]) == .full)
        // The closed port may still be held for a moment by ZeroMQ's own thread.
        let deadline = ContinuousClock.now + .seconds(60)
        while listener == nil, ContinuousClock.now < deadline {
            listener = try? Listener(context, endpoint: endpoint)
            if listener == nil { poller.wait(milliseconds: 20) }
        }
        try #require(listener != nil)
        wait(connected: true)
    }

    @Test("A part above the limit costs its sender the connection and nobody else")
    func oversizedPart() throws {
        let loopback = try Loopback(FrameLimits(largestPart: 1000, largestHeader: 100, mostPayloads: 2))
        let good = try loopback.connect()
        let bad = try loopback.connect()
        let pool = PayloadPool()
        for connection in [good, bad] {
            _ = try loopback.until { () -> Bool? in
                while connection.next() != nil {}
                return connection.send(header: [1]) == .sent ? true : nil
            }
            _ = try loopback.nextMessage()
        }
        let large = pool.payload(copying: [UInt8](repeating: 1, count: 1001))
        #expect(bad.send(header: [2], payloads: [large]) == .sent)
        try loopback.waitForDisconnections(1)
        #expect(good.send(header: [3]) == .sent)
        #expect(try loopback.nextMessage().header == [3])
    }

    @Test("Headers above the limit and too many parts are counted and dropped")
    func refusedMessages() throws {
        let loopback = try Loopback(FrameLimits(largestPart: 1000, largestHeader: 100, mostPayloads: 2))
        let connection = try loopback.connect()
        let payload = PayloadPool().payload(copying: [UInt8](repeating: 1, count: 10))
        _ = try loopback.until { () -> Bool? in
            while connection.next() != nil {}
            return connection.send(header: [UInt8](repeating: 1, count: 101)) == .sent ? true : nil
        }
        #expect(connection.send(header: [1], payloads: [payload, payload, payload]) == .sent)
        #expect(connection.send(header: [7], payloads: [payload, payload]) == .sent)
        #expect(try loopback.nextMessage().header == [7])
        #expect(loopback.refused == 2)
    }

    @Test("Bytes that are not ZeroMQ's neither crash the listener nor disturb others", arguments: 0..<4)
    func garbage(kind: Int) throws {
        let loopback = try Loopback()
        let stranger = try RawConnection(loopback.listener.endpoint)
        let greeting: [UInt8] = [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3]
        let bytes: [UInt8] =
            switch kind {
            case 0: Array("GET / HTTP/1.1\r\n\r\n".utf8)
            case 1: (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) }
            case 2: greeting + [UInt8](repeating: 0xAA, count: 500)
            default: greeting + Array("NULL".utf8) + [UInt8](repeating: 0, count: 49) + [2] + [0xFF, 0xFF, 0xFF]
            }
        #expect(stranger.send(bytes))
        stranger.finish()
        let connection = try loopback.connect()
        _ = try loopback.until { () -> Bool? in
            while connection.next() != nil {}
            return connection.send(header: [4]) == .sent ? true : nil
        }
        // Random bytes may happen to be a message of an older ZeroMQ: the next layer refuses those.
        var headers: [[UInt8]] = []
        while headers.last != [4] { headers.append(try loopback.nextMessage().header) }
    }

    @Test("A mailbox wakes the poll from another thread and keeps the order")
    func mailbox() throws {
        let mailbox = try Mailbox<Int>()
        let poller = Poller()
        poller.watch(mailbox)
        let thread = DedicatedThread(name: "poster") { for i in 0..<1000 { mailbox.post(i) } }
        var got: [Int] = []
        let deadline = ContinuousClock.now + .seconds(60)
        while got.count < 1000, ContinuousClock.now < deadline {
            poller.wait(milliseconds: 10_000)
            got += mailbox.drain()
        }
        thread.join()
        #expect(got == Array(0..<1000))
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
