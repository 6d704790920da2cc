import Reporting

/// Which request gets which answer: a pure function of the request and a snapshot, but for orders.
struct DashboardRoutes: Sendable {
    let orders: DashboardServer.Orders?
    let clock: @Sendable () -> Double
    let snapshot: @Sendable () -> RunMetrics

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        switch request.path {
        case "/checkpoint", "/stop": order(request)
        case _ where !["GET", "HEAD"].contains(request.method): .methods("GET, HEAD")
        case "/":
            .whole(
                status: 200, type: "text/html; charset=utf-8", body: DashboardPage.html, headers: DashboardPage.headers)
        case "/run": .json(snapshot().factsDocument(takesOrders: orders != nil).text)
        case "/state": .json(snapshot().stateDocument(now: clock()).text)
        case "/events": request.method == "GET" ? .events : .methods("GET")
        case "/metrics":
            .whole(
                status: 200, type: PrometheusText.contentType,
                body: Array(snapshot().prometheus(now: clock(), process: .now()).utf8), headers: [])
        case let path where path.hasPrefix("/members/"):
            .json(snapshot().membersDocument(path.dropFirst("/members/".count)).text)
        case "/targets": .json(snapshot().targetsDocument.text)
        case "/healthz": .text(200, "ok")
        default: .text(404, "nothing is here; the page is at /")
        }
    }

    private func order(_ request: HTTPRequest) -> HTTPAnswer {
        guard request.method == "POST" else { return .methods("POST") }
        guard let orders else {
            return .text(403, "this page takes no orders: the coordinator was given no token for it")
        }
        guard let bearer = request.bearer, isSame(bearer, orders.token) else {
            return .text(401, "the token is missing or wrong")
        }
        if request.path == "/stop" {
            orders.stop()
            return .text(202, "writing a checkpoint, then stopping")
        }
        orders.checkpoint()
        return .text(202, "a checkpoint is written when the step is done")
    }

    /// In a time that does not tell where two texts begin to differ.
    private func isSame(_ given: String, _ token: String) -> Bool {
        let (given, token) = (Array(given.utf8), Array(token.utf8))
        var difference = given.count ^ token.count
        for i in token.indices { difference |= Int(token[i] ^ (given.indices.contains(i) ? given[i] : 0)) }
        return difference == 0
    }
}

/// What listeners are told: the state each second, of curves and events what is new.
struct LiveNews: Sendable {
    private var curves = CurveCursor()
    private var event = 0

    static func whole(_ metrics: RunMetrics, now: Double) -> [UInt8] {
        var beginning = LiveNews()
        return beginning.news(metrics, now: now)
    }

    mutating func news(_ metrics: RunMetrics, now: Double) -> [UInt8] {
        var text = "event: state\ndata: \(metrics.stateDocument(now: now).text)\n\n"
        if let news = curves.news(metrics.curves) { text += "event: curves\ndata: \(news.text)\n\n" }
        if metrics.ring.total > event {
            text += "event: log\ndata: \(metrics.eventsDocument(after: event).text)\n\n"
            event = metrics.ring.total
        }
        return Array(text.utf8)
    }
}
