import ArgumentParser
import Coordinator
import Dashboard
import Faults
import Foundation
import Protocol
import Reporting
import Storage
import Synchronization

/// What the commands that coordinate offer, and `launch`, which has one do so.
struct DashboardOptions: ParsableArguments {
    @Option(
        help: """
            Serve a page of the run, and /metrics for Prometheus, at HOST:PORT: 127.0.0.1:8017, or an interface's address for \
            others to look on; port 0 takes a free one. Without it, coordinator.dashboard of the --config, or none.
            """)
    var dashboard: String?
    @Option(
        help: """
            A file with the token that lets the page order a checkpoint or the end of the run; 16 characters at least, \
            readable by nobody else. Without it the page only shows.
            """)
    var dashboardToken: String?

    /// What was asked for; nil for nothing.
    func settings(page: String = "", token: String = "") throws(Fault) -> DashboardSettings? {
        let (text, about) = dashboard.map { ($0, "--dashboard") } ?? (page, "coordinator.dashboard")
        let (file, tokenAbout) =
            dashboardToken.map { ($0, "--dashboard-token") } ?? (token, "coordinator.dashboard_token")
        guard !text.isEmpty else {
            guard dashboardToken == nil else {
                throw Fault(.usage, "--dashboard-token", "there is no page for it", mend: "add --dashboard HOST:PORT")
            }
            return nil
        }
        return DashboardSettings(
            address: try DashboardAddress(text, about: about), about: about,
            token: file.isEmpty ? nil : try Self.token(in: file, about: tokenAbout))
    }

    static func token(in path: String, about: String) throws(Fault) -> String {
        guard pathExists(path) else {
            throw Fault(
                .usage, about, "there is no file \(path)",
                mend: "make one: (umask 077; head -c 24 /dev/urandom | base64 > \(path))")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw Fault(.usage, path, "a token that others may read opens nothing", mend: "chmod 600 \(path)")
        }
        let text = String(decoding: try readWhole(path, limit: 4096), as: UTF8.self)
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard token.count >= 16, token.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
            throw Fault(
                .usage, path, "is no token: 16 characters or more, letters, digits and signs, no spaces",
                mend: "make one: (umask 077; head -c 24 /dev/urandom | base64 > \(path))")
        }
        return token
    }
}

struct DashboardSettings {
    var address: DashboardAddress
    /// Where it comes from, for people.
    var about: String
    var token: String?
}

/// The page of a run while it is coordinated, and a little longer: its port is taken before the run is touched.
struct RunDashboard {
    let monitor: RunMonitor
    private let server: DashboardServer
    private let orders = EarlyOrders()
    private let isLoopback: Bool

    /// Serves.
    init(_ settings: DashboardSettings, monitor: RunMonitor) throws(Fault) {
        self.monitor = monitor
        isLoopback = settings.address.isLoopback
        server = try DashboardServer(
            settings.address, about: settings.about, names: [hostName()],
            orders: settings.token.map { [orders] token in
                DashboardServer.Orders(
                    token: token, checkpoint: { orders.give { $0.checkpoint() } },
                    stop: { orders.give { $0.stop(reason: "stopped from the page") } })
            }, clock: wallClock, snapshot: { monitor.snapshot })
    }

    /// There is a coordinator: says where the page is, in `RUN/dashboard` too, and passes orders on.
    func begin(_ shell: CoordinatorShell, run: String) throws(Fault) {
        try writeWhole(server.url + "\n", to: Self.file(run))
        orders.begin(shell)
        standardError(
            "zoetrope: the run's page is at \(server.url)\(isLoopback ? "" : ", for whoever reaches that address")\n")
    }

    /// Those who look on see how it ended; then nothing is served any more.
    func close(run: String) {
        server.close()
        // Where somebody has taken the run over, the file names his.
        let named = try? readWhole(Self.file(run), limit: 4096)
        if named == Array((server.url + "\n").utf8) { unlink(Self.file(run)) }
    }

    private static func file(_ run: String) -> String { run + "/dashboard" }
}

/// Orders that may come before there is a coordinator to give them to: they wait for it.
private final class EarlyOrders: Sendable {
    private enum Receiver {
        case nobody(waiting: [@Sendable (CoordinatorShell) -> Void])
        case shell(CoordinatorShell)
    }

    private let receiver = Mutex(Receiver.nobody(waiting: []))

    func give(_ order: @escaping @Sendable (CoordinatorShell) -> Void) {
        receiver.withLock { receiver in
            switch receiver {
            case .nobody(let waiting): receiver = .nobody(waiting: waiting + [order])
            case .shell(let shell): order(shell)
            }
        }
    }

    func begin(_ shell: CoordinatorShell) {
        receiver.withLock { receiver in
            if case .nobody(let waiting) = receiver { for order in waiting { order(shell) } }
            receiver = .shell(shell)
        }
    }
}
