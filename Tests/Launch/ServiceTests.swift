import Glibc
import Launch
import TestSupport
import Testing

@Suite("What a supervisor is told")
struct ServiceTests {
    /// A datagram socket at `path`, as systemd has one.
    private func supervisor(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        try #require(descriptor >= 0 && isBound && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
        return descriptor
    }

    /// The next datagram; a sent one is there at once.
    private func told(_ descriptor: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    @Test("Ready, a line of status, alive and stopping, in the words of sd_notify")
    func words() throws {
        try withTemporaryFolder { folder in
            let socket = folder + "/notify"
            let descriptor = try supervisor(socket)
            defer { close(descriptor) }
            let notice = try #require(ServiceNotice({ $0 == "NOTIFY_SOCKET" ? socket : nil }, process: 7))
            notice.ready()
            notice.status("step 3\nREADY=0")
            notice.alive()
            notice.stopping()
            #expect(
                (0..<5).map { _ in told(descriptor) } == ["READY=1", "STATUS=step 3", "WATCHDOG=1", "STOPPING=1", nil])
            #expect(notice.watchdog == nil)
        }
    }

    @Test("Without a supervisor nothing is told; a watchdog for another process is not ours")
    func variables() {
        func notice(_ variables: [String: String]) -> ServiceNotice? { ServiceNotice({ variables[$0] }, process: 7) }
        for socket in ["", "@", "run/notify", "/" + String(repeating: "x", count: 200)] {
            #expect(notice(["NOTIFY_SOCKET": socket]) == nil)
        }
        #expect(notice([:]) == nil)
        let socket = ["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000"]
        #expect(notice(socket)?.watchdog == 30)
        #expect(notice(socket.merging(["WATCHDOG_PID": "7"]) { $1 })?.watchdog == 30)
        #expect(notice(socket.merging(["WATCHDOG_PID": "8"]) { $1 })?.watchdog == nil)
        #expect(notice(socket.merging(["WATCHDOG_USEC": "-1"]) { $1 })?.watchdog == nil)
    }

    @Test("A live thread tells the watchdog at once and then within a third of its time, and not more often")
    func watchdog() throws {
        try withTemporaryFolder { folder in
            let socket = folder + "/notify"
            let descriptor = try supervisor(socket)
            defer { close(descriptor) }
            // Forever, for a test: one word and no more.
            let variables = ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "3600000000"]
            let watchdog = Watchdog(ServiceNotice({ variables[$0] }, process: 7))
            for _ in 0..<1000 { watchdog.ticked() }
            #expect(told(descriptor) == "WATCHDOG=1")
            #expect(told(descriptor) == nil)
            // At every tick, when the time is shorter than that.
            let short = Watchdog(ServiceNotice({ $0 == "WATCHDOG_USEC" ? "0.003" : variables[$0] }, process: 7))
            for _ in 0..<3 { short.ticked() }
            #expect((0..<3).map { _ in told(descriptor) } == ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
            Watchdog(nil).ticked()
        }
    }
}
