import Launch
import TestSupport
import Testing

@Suite("What a supervisor is told")
struct ServiceTests {
    @Test("Ready, a line of status, alive, stopping, and that it takes longer, in the words of sd_notify")
    func words() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            let notice = try #require(ServiceNotice({ $0 == "NOTIFY_SOCKET" ? supervisor.path : nil }, process: 7))
            notice.ready()
            notice.status("step 3\nREADY=0")
            notice.alive()
            notice.stopping()
            notice.extend(seconds: 60)
            let told = (0..<6).map { _ in supervisor.next() }
            #expect(
                told == [
                    "READY=1", "STATUS=step 3", "WATCHDOG=1", "STOPPING=1", "EXTEND_TIMEOUT_USEC=60000000", nil,
                ])
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
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            // An hour: one word and no more.
            let variables = ["NOTIFY_SOCKET": supervisor.path, "WATCHDOG_USEC": "3600000000"]
            let watchdog = Watchdog(ServiceNotice({ variables[$0] }, process: 7))
            for _ in 0..<1000 { watchdog.ticked() }
            #expect((0..<2).map { _ in supervisor.next() } == ["WATCHDOG=1", nil])
            // At every tick, when the time is shorter than that.
            let short = Watchdog(ServiceNotice({ $0 == "WATCHDOG_USEC" ? "0.003" : variables[$0] }, process: 7))
            for _ in 0..<3 { short.ticked() }
            #expect((0..<3).map { _ in supervisor.next() } == ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"])
            Watchdog(nil).ticked()
            #expect(supervisor.next() == nil)
        }
    }
}
