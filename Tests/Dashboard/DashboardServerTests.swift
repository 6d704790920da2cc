import Dashboard
import Faults
import Foundation
import Reporting
import Synchronization
import Testing
import Threads
import Wire

@Suite(.serialized) struct DashboardServerTests {
    /// What a run would publish, and what was ordered.
    final class Run: Sendable {
        let metrics: Mutex<RunMetrics>
        let orders = Mutex<[String]>([])

        init(recipe: String = "seed = 1") {
            let facts = RunFacts(
                name: "first", model: "r2plus1d-18", facts: [.init("Data", "<b>clips</b>")], recipe: recipe, steps: 100,
                clipsPerStep: 16, units: 4, epochs: [.init(step: 100, epoch: 10)], version: "1", folder: "/run")
            metrics = Mutex(RunMetrics(facts, now: 1000))
        }

        func server(
            token: String? = nil, limits: HTTPLimits = HTTPLimits(), host: String = "127.0.0.1"
        ) throws(Fault) -> DashboardServer {
            try DashboardServer(
                try DashboardAddress(host + ":0", about: "--dashboard"), about: "--dashboard",
                names: ["Node-7.cluster.example.org"],
                orders: token.map { token in
                    .init(
                        token: token, checkpoint: { self.orders.withLock { $0.append("checkpoint") } },
                        stop: { self.orders.withLock { $0.append("stop") } })
                }, limits: limits, clock: { 1100 }, snapshot: { self.metrics.withLock { $0 } })
        }

        func commit(_ step: Int, loss: Double) {
            metrics.withLock {
                $0.committed(
                    StepPoint(
                        step: step, loss: loss, accuracy: 0.25, learningRate: 0.1, gradientNorm: 1, clips: 16,
                        seconds: 2), isReplayed: false, now: 1000 + Double(step))
            }
        }
    }

    static func port(_ server: DashboardServer) throws -> Int {
        try #require(server.url.split(separator: ":").last.flatMap { Int($0.dropLast()) })
    }

    @Test func servesThePageAndWhatItAsksFor() throws {
        let run = Run(recipe: "name = \"</script><script>alert(1)</script>\"")
        run.commit(0, loss: 2.5)
        let server = try run.server()
        defer { server.close() }
        let page = try #require(HTTPClient.ask(server.url))
        #expect(page.status == 200)
        #expect(page.body.utf8.count < 300_000)
        // It loads nothing from anywhere, and the browser is told so.
        #expect(!page.body.contains("src=") && !page.body.contains("@import") && !page.body.contains("/*script*/"))
        #expect(page.head.lowercased().contains("content-security-policy: default-src 'none'"))
        let facts = try #require(HTTPClient.ask(server.url + "run"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(facts.body.utf8)) as? [String: Any])
        #expect(object["recipe"] as? String == "name = \"</script><script>alert(1)</script>\"")
        #expect(object["takes_orders"] as? Bool == false)
        let state = try #require(HTTPClient.ask(server.url + "state?x=1"))
        #expect(state.body.contains("\"loss\":2.5"))
        let metrics = try #require(HTTPClient.ask(server.url + "metrics"))
        #expect(metrics.head.contains("text/plain; version=0.0.4") && metrics.body.contains("\nzoetrope_loss 2.5\n"))
        #expect(HTTPClient.ask(server.url + "healthz")?.status == 200)
        #expect(HTTPClient.ask(server.url + "../../etc/passwd")?.status == 404)
        #expect(HTTPClient.ask(server.url, method: "DELETE")?.status == 405)
        let head = try #require(HTTPClient.ask(server.url, method: "HEAD"))
        #expect(head.status == 200 && head.body.isEmpty)
    }

    @Test func targetsAreTheWorkersThatServeMetrics() throws {
        let run = Run()
        let server = try run.server()
        defer { server.close() }
        #expect(HTTPClient.ask(server.url + "targets")?.body == "[]")
        func member(_ number: UInt64, _ name: String, _ metrics: String) -> MemberStatus {
            MemberStatus(
                incarnation: number, name: name, host: "h", process: 1, threads: 1, state: "active", chunks: 0,
                leases: [], unitsPerSecond: 0, silentSeconds: 0, metrics: metrics)
        }
        let members = [
            member(1, "a", "127.0.0.1:9117"), member(2, "b", ""), member(3, "c", "[::1]:9118"),
            member(4, "c", "http://elsewhere/x"), member(5, "d", "10.0.0.5:9117, 10.0.0.6:9117"),
        ]
        run.metrics.withLock {
            $0.observed(
                ClusterStatus(
                    generation: 1, phase: "stepping", step: 1, steps: 100, map: 1, newestCheckpoint: 0,
                    members: members, waitingFor: []), now: 1000)
        }
        let answer = try #require(HTTPClient.ask(server.url + "targets"))
        #expect(answer.head.contains("application/json"))
        let listed = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
        #expect(listed.map { $0["targets"] as? [String] } == [["127.0.0.1:9117"], ["[::1]:9118"]])
        // Two of one name are told apart, as in the coordinator's own series.
        #expect(
            listed.map { $0["labels"] as? [String: String] }
                == [["worker": "a", "host": "h"], ["worker": "c-3", "host": "h"]])
    }

    /// A cluster of so many workers, four on a host, one in a hundred late.
    static func crowd(_ count: Int) -> ClusterStatus {
        let members = (0..<count).map { number in
            MemberStatus(
                incarnation: 0xA1B2_C3D4_0000_0000 + UInt64(number), name: "node-\(number / 4)-\(number % 4)",
                host: "node-\(number / 4).cluster.example.org", process: 10_000 + number, threads: 16, state: "active",
                chunks: 3, leases: [UnitBlock(first: 2 * number, log2: 1)],
                unitsPerSecond: 1.25 + 0.1 * Double(number % 7), silentSeconds: 0.25,
                progress: Progress(step: 100, units: 1234, residentBytes: 3 << 30, bytesSent: 5 << 30),
                late: number % 100 == 99 ? "units \(2 * number) were given to it 9 s ago, it usually takes 2.0 s" : "")
        }
        return ClusterStatus(
            generation: 1, phase: "stepping", step: 100, steps: 1000, map: 1, newestCheckpoint: 0, members: members,
            waitingFor: members.map { "\($0.name) computes units \($0.leases[0])" })
    }

    @Test("A thousand workers are told each second in short, and each in full to who asks for it")
    func crowdIsTold() throws {
        let run = Run()
        let server = try run.server()
        defer { server.close() }
        func state(_ count: Int) throws -> (bytes: Int, object: [String: Any]) {
            run.metrics.withLock { $0.observed(Self.crowd(count), now: 1000) }
            let body = try #require(HTTPClient.ask(server.url + "state")).body
            let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
            return (body.utf8.count, try #require(object))
        }
        let few = try state(24).object
        #expect((few["members"] as? [[String: Any]])?.count == 24 && few["crowd"] == nil)
        let (bytes, many) = try state(1000)
        #expect(bytes < 150_000)
        let rows = try #require(many["crowd"] as? [[Any]])
        #expect(rows.count == 1000 && many["members"] == nil)
        #expect((many["waiting_for"] as? [String])?.last == "and 961 more")
        let wanted = [rows[7], rows[99]].compactMap { $0[0] as? String }
        let answer = try #require(HTTPClient.ask(server.url + "members/\(wanted.joined(separator: ",")),dead,x"))
        let whole = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [[String: Any]])
        #expect(whole.map { $0["name"] as? String } == ["node-1-3", "node-24-3"])
        #expect(whole.map { $0["pid"] as? Int } == [10_007, 10_099])
        // Not all of them at once, however long the list is.
        let all = rows.compactMap { $0[0] as? String }.prefix(100).joined(separator: ",")
        let bounded = try #require(HTTPClient.ask(server.url + "members/" + all))
        #expect((try JSONSerialization.jsonObject(with: Data(bounded.body.utf8)) as? [Any])?.count == 24)
        #expect(HTTPClient.ask(server.url + "members/")?.body == "[]")
    }

    @Test func ordersNeedTheToken() throws {
        let run = Run()
        let token = "0123456789abcdef"
        let server = try run.server(token: token)
        defer { server.close() }
        for headers in [
            [], ["Authorization: Bearer wrong"], ["Authorization: Bearer \(token)x"], ["Authorization: \(token)"],
        ] {
            #expect(HTTPClient.ask(server.url + "stop", method: "POST", headers: headers)?.status == 401)
        }
        #expect(HTTPClient.ask(server.url + "stop", headers: ["Authorization: Bearer \(token)"])?.status == 405)
        #expect(run.orders.withLock { $0 } == [])
        for path in ["checkpoint", "stop"] {
            let answer = HTTPClient.ask(
                server.url + path, method: "POST", headers: ["Authorization: Bearer \(token)"])
            #expect(answer?.status == 202)
        }
        #expect(run.orders.withLock { $0 } == ["checkpoint", "stop"])
        let silent = try Run().server()
        defer { silent.close() }
        #expect(
            HTTPClient.ask(silent.url + "stop", method: "POST", headers: ["Authorization: Bearer "])?.status == 403)
    }

    /// A web site may let a name of its own mean this machine, and ask as if it were served from here.
    @Test(arguments: [
        ("127.0.0.1", 200), ("127.0.0.1:8017", 200), ("10.1.2.3:80", 200), ("[2001:db8::1]", 200), ("[::1]:8017", 200),
        ("localhost:8017", 200), ("LocalHost.", 200), ("node-7.cluster.example.org:8017", 200), ("node-7", 200),
        ("example.org", 421), ("rebound.example.net:8017", 421), ("127.0.0.1.example.net", 421),
        ("localhost.example.net", 421), ("example.net:localhost", 421), ("[localhost]", 421), ("2130706433", 421),
        ("::1", 421), ("[::1", 421),
    ])
    func nobodyElsesNameLeadsHere(host: String, status: Int) throws {
        let token = "0123456789abcdef"
        let run = Run()
        let server = try run.server(token: token)
        defer { server.close() }
        let page = try #require(HTTPClient.ask(server.url, headers: ["Host: \(host)"]))
        #expect(page.status == status)
        #expect(status == 200 || page.body.hasPrefix("nothing here has that name"))
        let order = HTTPClient.ask(
            server.url + "checkpoint", method: "POST", headers: ["Host: \(host)", "Authorization: Bearer \(token)"])
        #expect(order?.status == (status == 200 ? 202 : 421))
        #expect(run.orders.withLock { $0.count } == (status == 200 ? 1 : 0))
    }

    @Test func oneOfTwoNamesIsNotEnough() throws {
        let server = try Run().server()
        defer { server.close() }
        for (hosts, status) in [("", 200), ("Host: localhost\r\nHost: example.net\r\n", 421)] {
            let connection = RawConnection(port: try Self.port(server))
            connection.send(Array("GET /healthz HTTP/1.1\r\n\(hosts)\r\n".utf8))
            #expect(connection.first()?.hasPrefix("HTTP/1.1 \(status)") == true)
        }
    }

    @Test func eventsTellTheWholeAndThenWhatIsNew() throws {
        let run = Run()
        run.commit(0, loss: 2)
        let server = try run.server()
        defer { server.close() }
        // Committed while somebody listens: told within the next second.
        let writer = DedicatedThread(name: "writer") { run.commit(1, loss: 1.5) }
        defer { writer.join() }
        let answer = try #require(HTTPClient.ask(server.url + "events", seconds: 10))
        #expect(answer.status == 200 && answer.head.contains("text/event-stream"))
        let events = answer.body.components(separatedBy: "\n\n").filter { !$0.isEmpty }
        #expect(events.count { $0.hasPrefix("event: state\n") } >= 3)
        let curves = events.filter { $0.hasPrefix("event: curves\n") }.joined()
        #expect(curves.contains("[0,2,2,2]") && curves.contains("[1,1.5,1.5,1.5]"))
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n", "\0\u{1}\u{2}\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        "GET / HTTP/1.1\r\nHost\u{7F} x: y\r\n\r\n",
    ]) func whatIsNoRequestIsAnsweredAndClosed(bytes: String) throws {
        let run = Run()
        let server = try run.server()
        defer { server.close() }
        let connection = RawConnection(port: try Self.port(server))
        connection.send(Array(bytes.utf8))
        let rest = try #require(connection.rest(), "the connection stays open")
        #expect(rest.isEmpty || rest.hasPrefix("HTTP/1.1 4") || rest.hasPrefix("HTTP/1.0 4"))
        #expect(HTTPClient.ask(server.url + "healthz")?.status == 200)
    }

    @Test func requestsAreBounded() throws {
        let run = Run()
        var limits = HTTPLimits()
        limits.requestBytes = 4096
        let server = try run.server(limits: limits)
        defer { server.close() }
        // A head without end, and a body that nobody asked for.
        for beginning in ["GET / HTTP/1.1\r\nX: ", "POST /stop HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"] {
            let connection = RawConnection(port: try Self.port(server))
            connection.send(Array(beginning.utf8))
            var count = 0
            while count < 1000, connection.send([UInt8](repeating: 65, count: 1024)) { count += 1 }
            #expect(connection.rest() != nil)
        }
        #expect(HTTPClient.ask(server.url + "healthz")?.status == 200)
    }

    @Test func whoSaysNothingIsShownOut() throws {
        let run = Run()
        var limits = HTTPLimits()
        limits.patience = 0.3
        let server = try run.server(limits: limits)
        defer { server.close() }
        let silent = RawConnection(port: try Self.port(server))
        #expect(silent.rest() == "")
        let half = RawConnection(port: try Self.port(server))
        half.send(Array("GET / HTTP/1.1\r\nHost:".utf8))
        #expect(half.rest() == "")
    }

    @Test func connectionsAreBounded() throws {
        let run = Run()
        var limits = HTTPLimits()
        limits.connections = 4
        limits.listeners = 2
        let server = try run.server(limits: limits)
        defer { server.close() }
        let port = try Self.port(server)
        let ask = Array("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        let listeners = (0..<3).map { _ in RawConnection(port: port) }
        for listener in listeners.prefix(2) {
            listener.send(ask)
            #expect(listener.first()?.hasPrefix("HTTP/1.1 200") == true)
        }
        listeners[2].send(ask)
        #expect(listeners[2].first()?.hasPrefix("HTTP/1.1 503") == true)
        let fourth = RawConnection(port: port)
        fourth.send(Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        #expect(fourth.first()?.hasPrefix("HTTP/1.1 200") == true)
        #expect(RawConnection(port: port).rest() == "")
        withExtendedLifetime((listeners, fourth)) {}
    }

    @Test func aTokenStaysOnThisMachine() throws {
        let run = Run()
        #expect(throws: Fault.self) { try run.server(token: "0123456789abcdef", host: "192.0.2.1") }
    }

    @Test func aPortInUseIsAFault() throws {
        let run = Run()
        let server = try run.server()
        defer { server.close() }
        let taken = try DashboardAddress("127.0.0.1:\(try Self.port(server))", about: "--dashboard")
        let fault = #expect(throws: Fault.self) { try MetricsServer(taken, about: "--metrics", names: []) { "" } }
        #expect(fault?.code == .usage)
    }

    /// But may be later.
    @Test(arguments: ["192.0.2.1", "nobody.invalid"]) func addressesThatAreNotThere(host: String) throws {
        let fault = #expect(throws: Fault.self) { try Run().server(host: host) }
        #expect(fault?.code == .stoppedEarly, "\(fault as Any)")
    }

    @Test(arguments: ["", "8080", "host", "host:", ":80", "0.0.0.0:80", "[::]:80", "*:80", "a b:80", "h:70000", "h:-1"])
    func addressesAreOneMachinesOwn(text: String) {
        #expect(throws: Fault.self) { try DashboardAddress(text, about: "--dashboard") }
    }

    @Test func addressesOfThisMachineAreKnown() throws {
        for text in ["127.0.0.1:0", "localhost:80", "[::1]:80", "127.8.8.8:1"] {
            #expect(try DashboardAddress(text, about: "x").isLoopback, "\(text)")
        }
        for text in ["10.0.0.5:80", "127.example.org:80", "[fe80::1]:80"] {
            #expect(try !DashboardAddress(text, about: "x").isLoopback, "\(text)")
        }
    }
}
