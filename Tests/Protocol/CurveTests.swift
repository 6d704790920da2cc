import Faults
import Glibc
import Protocol
import TestSupport
import Testing
import Threads
import Wire

/// Sockets with keys: who comes in, who does not, and what is seen of it.
@Suite("Connections with keys", .serialized, .timeLimit(.minutes(2)))
struct CurveTests {
    private func withKeys<T>(_ body: (String) throws -> T) throws -> T {
        try withTemporaryFolder { folder in
            try Keys.create(folder + "/keys")
            return try body(folder + "/keys")
        }
    }

    private func security(_ folder: String, _ role: Role) throws -> Security {
        try Security(keys: folder, insecure: false, role: role)
    }

    /// Connects with a context of its own, as another process would.
    private func connect(_ loopback: Loopback, _ security: Security, to role: Role = .coordinator) throws -> Connection
    {
        let connection = try Connection(
            try Context(security: security), endpoint: loopback.listener.endpoint, to: role)
        loopback.poller.watch(connection)
        return connection
    }

    private func send(_ bytes: [UInt8], by connection: Connection, _ loopback: Loopback) throws {
        _ = try loopback.until { () -> Bool? in
            while connection.next() != nil {}
            return connection.send(header: bytes) == .sent ? true : nil
        }
    }

    /// Waits until the connection knows that it will never be let in.
    private func refusal(_ connection: Connection, _ loopback: Loopback) throws -> Fault {
        try loopback.until {
            while connection.next() != nil {}
            loopback.look()
            #expect(!connection.isConnected)
            return connection.refusal
        }
    }

    @Test("Workers and operators of the job come in at the coordinator, by their role; messages of all sizes arrive")
    func members() throws {
        try withKeys { folder in
            let loopback = try Loopback(security: security(folder, .coordinator))
            for role in [Role.worker, .operator] {
                let connection = try connect(loopback, security(folder, role))
                for size in [1, 255, 8192, 300_000] {
                    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                    try send(bytes, by: connection, loopback)
                    let (peer, header, _) = try loopback.nextMessage()
                    #expect(header == bytes)
                    #expect(peer.role == role)
                    #expect(peer.may(act: role) && !peer.may(act: role == .worker ? .operator : .worker))
                    #expect(loopback.listener.send(to: peer, header: bytes) == .sent)
                    #expect(try loopback.nextMessage(connection).header == bytes)
                }
                loopback.poller.forget(connection)
            }
            #expect(loopback.turnedAway.isEmpty)
        }
    }

    @Test("At a worker other workers come in, and operators do not")
    func shards() throws {
        try withKeys { folder in
            let loopback = try Loopback(security: security(folder, .worker))
            let worker = try connect(loopback, security(folder, .worker), to: .worker)
            try send([1], by: worker, loopback)
            #expect(try loopback.nextMessage().peer.role == .worker)
            let stranger = try connect(loopback, security(folder, .operator), to: .worker)
            #expect(try refusal(stranger, loopback).reason.contains("does not know our key"))
            try loopback.waitForTurnedAway(1)
            #expect(loopback.turnedAway == [TurnedAway(address: "127.0.0.1", reason: "its key is not on the list")])
        }
    }

    @Test("Strangers are turned away, each counted once with address and reason, and a member notices nothing")
    func strangers() throws {
        try withKeys { folder in
            try withKeys { other in
                let loopback = try Loopback(security: security(folder, .coordinator))
                let member = try connect(loopback, security(folder, .worker))
                try send([1], by: member, loopback)
                _ = try loopback.nextMessage()

                try {
                    let without = try connect(loopback, .loopback)
                    defer { loopback.poller.forget(without) }
                    #expect(try refusal(without, loopback).reason.contains("keys"))
                    try loopback.waitForTurnedAway(1)
                }()
                #expect(["127.0.0.1", "an address that was gone already"].contains(loopback.turnedAway[0].address))
                // Each end sees that the other's mechanism is not its own; who hangs up first decides what is said.
                #expect(
                    ["it has no key", "it left"].contains { loopback.turnedAway[0].reason.hasPrefix($0) },
                    "\(loopback.turnedAway)")

                // Of another job altogether: it does not know this coordinator.
                try {
                    let wrong = try connect(loopback, security(other, .worker))
                    defer { loopback.poller.forget(wrong) }
                    try loopback.until { () -> Void? in
                        while wrong.next() != nil {}
                        loopback.look()
                        let isSeen = loopback.turnedAway.contains { $0.reason.contains("of another job") }
                        return isSeen && wrong.handshakeProblem != nil ? () : nil
                    }
                }()

                // Knows the coordinator's public key, which is no secret, and has a key of its own.
                let before = loopback.turnedAway.count
                try #require(rename(folder + "/coordinator.pub", other + "/coordinator.pub") == 0)
                let forger = try connect(loopback, security(other, .worker))
                #expect(try refusal(forger, loopback).reason.contains("does not know our key"))
                try loopback.waitForTurnedAway(before + 1)
                #expect(loopback.turnedAway.contains { $0.reason == "its key is not on the list" })

                try send([2], by: member, loopback)
                #expect(try loopback.nextMessage().header == [2])
                #expect(loopback.gone.isEmpty && loopback.refused == 0)
            }
        }
    }

    @Test(
        "Raw bytes are turned away: nonsense, half a greeting, a greeting without keys, an old protocol",
        arguments: 0..<5)
    func garbage(kind: Int) throws {
        try withKeys { folder in
            let loopback = try Loopback(security: security(folder, .coordinator))
            let greeting: [UInt8] = [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3]
            func mechanism(_ name: String) -> [UInt8] {
                greeting + [0] + Array(name.utf8) + [UInt8](repeating: 0, count: 20 - name.utf8.count + 32)
            }
            let bytes: [UInt8] =
                switch kind {
                case 0: (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) }
                case 1: greeting
                case 2: mechanism("NULL") + [4, 6] + Array("\u{5}READY".utf8)
                case 3: [1, 0, 4, 0, 1, 2, 3]
                // CURVE's first command at the right length, and nothing in it.
                default: mechanism("CURVE") + [4, 200] + Array("\u{5}HELLO".utf8) + [UInt8](repeating: 0, count: 194)
                }
            let stranger = try RawConnection(loopback.listener.endpoint)
            try loopback.until { () -> Void? in
                loopback.look()
                return loopback.listener.arriving == 1 ? () : nil
            }
            #expect(stranger.send(bytes))
            stranger.finish()
            try loopback.waitForTurnedAway(1)
            #expect(loopback.turnedAway.map(\.address) == ["127.0.0.1"])
            let member = try connect(loopback, security(folder, .worker))
            try send([3], by: member, loopback)
            #expect(try loopback.nextMessage().header == [3])
            #expect(loopback.turnedAway.count == 1)
        }
    }

    @Test("A member without keys is told why a coordinator with keys is not for it, and the other way round")
    func mismatch() throws {
        try withKeys { folder in
            let open = try Loopback()
            let keyed = try connect(open, security(folder, .worker))
            #expect(try refusal(keyed, open).mend.contains("--keys"))
            let loopback = try Loopback(security: security(folder, .coordinator))
            let serving = DedicatedThread(name: "listener") { [listener = Confined(loopback.listener)] in
                let deadline = ContinuousClock.now + .seconds(60)
                let poller = Poller()
                poller.watch(listener.value)
                while ContinuousClock.now < deadline {
                    if case .turnedAway? = listener.value.next() { return }
                    poller.wait(milliseconds: 20)
                }
            }
            let fault = #expect(throws: Fault.self) { try ask(.stop, of: loopback.listener.endpoint) }
            serving.join()
            #expect(fault?.code == .usage)
            #expect(fault?.reason.contains("keys") == true)
        }
    }

    @Test("Another service on the port in between does not end a connection for good")
    func squatter() throws {
        try withKeys { folder in
            var listening: Listener? = try Listener(
                try Context(security: security(folder, .coordinator)), endpoint: "tcp://127.0.0.1:*")
            let endpoint = try #require(listening?.endpoint)
            let connection = try Connection(try Context(security: security(folder, .worker)), endpoint: endpoint)
            let poller = Poller()
            poller.watch(connection)
            func wait(_ what: String, _ condition: () -> Bool) {
                let deadline = ContinuousClock.now + .seconds(60)
                while !condition(), ContinuousClock.now < deadline {
                    if connection.next() == nil { poller.wait(milliseconds: 20) }
                    while listening?.next() != nil {}
                }
                #expect(condition(), "\(what)")
            }
            func listen(_ security: Security) throws {
                listening = nil
                let context = try Context(security: security)
                wait("the port is free") {
                    if listening == nil { listening = try? Listener(context, endpoint: endpoint) }
                    return listening != nil
                }
            }
            wait("connected") { connection.isConnected }
            try listen(.loopback)
            wait("the other service is noticed") { connection.handshakeProblem != nil }
            #expect(!connection.isConnected && connection.refusal == nil)
            try listen(security(folder, .coordinator))
            wait("connected again") { connection.isConnected }
            #expect(connection.handshakeProblem == nil)
        }
    }

    @Test("Thousands of connections that nobody looks at neither stop ZeroMQ nor keep the listener from closing")
    func flood() throws {
        try withKeys { folder in
            var loopback: Loopback? = try Loopback(security: security(folder, .coordinator))
            let endpoint = try #require(loopback?.listener.endpoint)
            for round in 0..<1500 {
                let stranger = try RawConnection(endpoint)
                if round % 2 == 0 { #expect(stranger.send([UInt8](repeating: 0xAA, count: 64))) }
            }
            let member = try connect(try #require(loopback), security(folder, .worker))
            try send([1], by: member, try #require(loopback))
            #expect(try loopback?.nextMessage().header == [1])
            for _ in 0..<500 { _ = try RawConnection(endpoint) }
            loopback = nil
        }
    }
}
