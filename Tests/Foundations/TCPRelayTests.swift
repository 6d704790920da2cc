import Glibc
import Synchronization
import TestSupport
import Testing

@Suite("The relay between processes", .timeLimit(.minutes(1))) struct TCPRelayTests {
    /// A server that sends back what it hears, each connection until its end.
    private final class Echo: Sendable {
        let port: Int
        private let listener: Int32

        init() throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = loopback(port: 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                        && getsockname(listener, $0, &length) == 0
                }
            }
            try #require(bound)
            port = Int(UInt16(bigEndian: address.sin_port))
            self.listener = listener
            try startThread {
                while true {
                    let file = accept(listener, nil, nil)
                    guard file >= 0 else { return }
                    var buffer = [UInt8](repeating: 0, count: 4096)
                    while true {
                        let count = recv(file, &buffer, buffer.count, 0)
                        guard count > 0, send(file, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
                    }
                    close(file)
                }
            }
        }

        func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// A client whose reads give up after a while.
    private struct Client: ~Copyable {
        let file: Int32

        init(port: Int, patience milliseconds: Int = 20_000) throws {
            file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            wait(milliseconds: milliseconds)
            var address = loopback(port: port)
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            try #require(connected)
        }

        deinit { close(file) }

        /// How long reads wait from now on.
        func wait(milliseconds: Int) {
            var patience = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
            setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }

        func say(_ bytes: [UInt8]) { _ = send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

        /// - Returns: What came, as many bytes as asked for, or fewer when nothing more comes in time.
        func hear(_ count: Int) -> [UInt8] {
            var heard: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while heard.count < count {
                let read = recv(file, &buffer, min(buffer.count, count - heard.count), 0)
                guard read > 0 else { break }
                heard += buffer[..<read]
            }
            return heard
        }
    }

    @Test func whatPassesIsWhole() throws {
        let echo = try Echo()
        defer { echo.stop() }
        let relay = try TCPRelay(to: echo.port)
        defer { relay.stop() }
        let client = try Client(port: relay.port)
        for size in [1, 100, 4000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
            client.say(bytes)
            #expect(client.hear(size) == bytes)
        }
        // The relay counts what it has passed on, and we may have heard it before that.
        let deadline = ContinuousClock.now + .seconds(10)
        while relay.traffic.bytes < 2 * 4101, ContinuousClock.now < deadline { sched_yield() }
        #expect(relay.traffic.bytes == 2 * 4101 && relay.traffic.connections == 1)
    }

    @Test func delaysAreWaitedFor() throws {
        let echo = try Echo()
        defer { echo.stop() }
        let relay = try TCPRelay(to: echo.port)
        defer { relay.stop() }
        var behaviour = TCPRelay.Behaviour()
        behaviour.delay = 0.1...0.12
        relay.set(behaviour)
        let client = try Client(port: relay.port)
        let begin = ContinuousClock.now
        client.say([1, 2, 3])
        #expect(client.hear(3) == [1, 2, 3])
        #expect(ContinuousClock.now - begin >= .milliseconds(200), "there and back")
    }

    @Test func halfOpenSaysNothingAndHeldBytesArriveLater() throws {
        let echo = try Echo()
        defer { echo.stop() }
        let relay = try TCPRelay(to: echo.port)
        defer { relay.stop() }
        relay.set(.halfOpen)
        let client = try Client(port: relay.port, patience: 200)
        client.say([5, 6])
        #expect(client.hear(2) == [])
        #expect(relay.traffic.bytes == 0)
        client.wait(milliseconds: 20_000)
        relay.set(TCPRelay.Behaviour())
        #expect(client.hear(2) == [5, 6])
    }

    @Test func aConnectionThatLostBytesIsBrokenOff() throws {
        let echo = try Echo()
        defer { echo.stop() }
        let relay = try TCPRelay(to: echo.port)
        defer { relay.stop() }
        let client = try Client(port: relay.port)
        client.say([1])
        #expect(client.hear(1) == [1])
        var oneWay = TCPRelay.Behaviour()
        oneWay.backward = .drop
        relay.set(oneWay)
        client.say([2])
        let deadline = ContinuousClock.now + .seconds(20)
        while relay.traffic.bytes < 3, ContinuousClock.now < deadline { sched_yield() }
        #expect(relay.traffic.bytes == 3, "the question went through")
        client.wait(milliseconds: 300)
        #expect(client.hear(1) == [], "the answer is thrown away")
        client.wait(milliseconds: 20_000)
        relay.set(TCPRelay.Behaviour())
        var byte: UInt8 = 0
        let count = recv(client.file, &byte, 1, 0)
        let number = errno
        #expect(count == 0 || count < 0 && number == ECONNRESET, "a stream with a hole is still open: \(count)")
    }
}
