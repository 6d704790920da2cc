public import Faults
public import Reporting
import Synchronization

/// The page of a run, its events, and `/metrics`.
///
/// It reads snapshots; orders need the token, and are told to `Orders`. Nothing of it waits for the coordinator or lets it
/// wait.
public final class DashboardServer: Sendable {
    /// What a token opens. Called on the server's thread: to return at once.
    public struct Orders: Sendable {
        /// Bytes whose equal whoever asks must send; 16 characters at least.
        public var token: String
        public var checkpoint: @Sendable () -> Void
        public var stop: @Sendable () -> Void

        public init(
            token: String, checkpoint: @escaping @Sendable () -> Void, stop: @escaping @Sendable () -> Void
        ) {
            self.token = token
            self.checkpoint = checkpoint
            self.stop = stop
        }
    }

    /// `http://HOST:PORT/`, with the port that was chosen.
    public let url: String
    private let server: HTTPServer

    /// - Parameters:
    ///   - about: The option or key that `address` comes from, for people.
    ///   - names: What this machine is called: besides the address and `localhost`, what a browser may ask for.
    ///   - clock: Seconds since 1970.
    ///   - snapshot: What is known now. Called on the server's thread about once a second and for each request.
    /// - Throws: `Fault.usage` when the port is in use or a token would cross a network unencrypted, `Fault.stoppedEarly`
    ///   when the address is not this machine's now.
    public init(
        _ address: DashboardAddress, about: String, names: [String], orders: Orders? = nil,
        limits: HTTPLimits = HTTPLimits(),
        clock: @escaping @Sendable () -> Double, snapshot: @escaping @Sendable () -> RunMetrics
    ) throws(Fault) {
        if orders != nil, !address.isLoopback {
            throw Fault(
                .usage, about, "orders on \(address.host) would send their token unencrypted",
                mend: "serve the page on 127.0.0.1 and reach it through ssh -L, or leave the token out")
        }
        let routes = DashboardRoutes(orders: orders, clock: clock, snapshot: snapshot)
        let told = Mutex(LiveNews())
        server = try HTTPServer(
            address, about: about, names: names, limits: limits,
            broadcast: HTTPServer.Broadcast(
                whole: { LiveNews.whole(snapshot(), now: clock()) },
                news: { told.withLock { $0.news(snapshot(), now: clock()) } }),
            answer: { routes.answer($0) })
        url = "http://\(address.text(port: server.port))/"
    }

    public func close() { server.close() }
}

/// Serves a text that changes at `/metrics`, and nothing else.
public final class MetricsServer: Sendable {
    public let url: String
    /// `HOST:PORT`, with the port that was chosen: a target of Prometheus.
    public let address: String
    private let server: HTTPServer

    /// - Parameters:
    ///   - names: What this machine is called: besides the address and `localhost`, what may be asked for.
    ///   - text: Called on the server's thread for each request.
    /// - Throws: `Fault.usage` when the port is in use, `Fault.stoppedEarly` when the address is not this machine's now.
    public init(
        _ address: DashboardAddress, about: String, names: [String], text: @escaping @Sendable () -> String
    ) throws(Fault) {
        server = try HTTPServer(address, about: about, names: names) { request in
            guard request.path == "/metrics" else { return .text(404, "only /metrics is here") }
            guard ["GET", "HEAD"].contains(request.method) else { return .methods("GET, HEAD") }
            return .whole(
                status: 200, type: PrometheusText.contentType, body: Array(text().utf8), headers: [])
        }
        self.address = address.text(port: server.port)
        url = "http://\(self.address)/metrics"
    }

    public func close() { server.close() }
}
