public import Faults
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// A small HTTP/1.1 server on a thread of its own.
///
/// It answers what `answer` says, and tells events to whoever listens. What strangers send is bounded in number, size and
/// time (`HTTPLimits`); what is no HTTP is answered with 400, and the connection is closed.
public final class HTTPServer: Sendable {
    /// Where it listens, with the port that was chosen.
    public let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let crowd: Crowd

    /// Makes what each second is told to those who listen. On the server's thread only.
    public struct Broadcast: Sendable {
        /// What somebody who has just come is told.
        public var whole: @Sendable () -> [UInt8]
        /// What has changed since the last call; everybody who listens has had all calls before.
        public var news: @Sendable () -> [UInt8]

        public init(whole: @escaping @Sendable () -> [UInt8], news: @escaping @Sendable () -> [UInt8]) {
            self.whole = whole
            self.news = news
        }
    }

    /// Listens.
    /// - Parameters:
    ///   - about: The option or key that `address` comes from, for people.
    ///   - names: What else this machine is called. Who asks for a name that is none of them, nor an address, is refused.
    ///   - answer: Called on the server's thread: to be quick.
    /// - Throws: `Fault.usage` when the port is in use, `Fault.stoppedEarly` when the address is not this machine's now.
    public init(
        _ address: DashboardAddress, about: String, names: [String], limits: HTTPLimits = HTTPLimits(),
        broadcast: Broadcast? = nil,
        answer: @escaping @Sendable (HTTPRequest) -> HTTPAnswer
    ) throws(Fault) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let crowd = Crowd(limits: limits, broadcast: broadcast)
        let names = OwnNames(address, and: names)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                guard crowd.enter(channel) else { return channel.close() }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    let bound = RequestBound(limits)
                    try pipeline.addHandler(bound)
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(RequestHandler(crowd: crowd, bound: bound, names: names, answer: answer))
                }
            }
        do {
            channel = try bootstrap.bind(host: address.host, port: address.port).wait()
        } catch {
            try? group.syncShutdownGracefully()
            throw Self.fault(address, about, error)
        }
        self.group = group
        self.crowd = crowd
        port = channel.localAddress?.port ?? address.port
        if broadcast != nil {
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in crowd.tell() }
        }
    }

    private static func fault(_ address: DashboardAddress, _ about: String, _ error: any Error) -> Fault {
        let doing = "cannot listen on \(address.host):\(address.port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            return Fault(
                .usage, about, "\(doing): the port is in use",
                mend: "stop the process that listens there, or choose another port (0 takes a free one)")
        case EADDRNOTAVAIL:
            // Not yet, perhaps: at boot addresses come late, and so does whoever knows names.
            return Fault(
                .stoppedEarly, about, "\(doing): no network interface of this machine has that address",
                mend: "use one of its own addresses; 127.0.0.1 serves a single machine")
        case nil:
            return Fault(
                .stoppedEarly, about, "\(doing): nobody knows that name (\(error))",
                mend: "name an address of this machine; 127.0.0.1 serves a single machine")
        default:
            return Fault(.usage, about, "\(doing): \(error)", mend: "name an address of this machine and a free port")
        }
    }

    /// Tells everybody who listens a last time, then closes. Blocks until that is done.
    public func close() {
        try? channel.eventLoop.submit { [crowd] in crowd.tell() }.wait()
        try? channel.close().wait()
        try? group.syncShutdownGracefully()
    }
}

/// Who is connected. The server's thread only, but for the count.
final class Crowd: Sendable {
    private struct State {
        var count = 0
        var listeners: [ObjectIdentifier: any Channel] = [:]
    }

    private let limits: HTTPLimits
    private let broadcast: HTTPServer.Broadcast?
    private let state = NIOLockedValueBox(State())

    init(limits: HTTPLimits, broadcast: HTTPServer.Broadcast?) {
        self.limits = limits
        self.broadcast = broadcast
    }

    /// - Returns: Whether there is room.
    func enter(_ channel: any Channel) -> Bool {
        let isIn = state.withLockedValue { state in
            guard state.count < limits.connections else { return false }
            state.count += 1
            return true
        }
        if isIn {
            channel.closeFuture.whenComplete { [self] _ in
                state.withLockedValue { state in
                    state.count -= 1
                    state.listeners[ObjectIdentifier(channel)] = nil
                }
            }
        }
        return isIn
    }

    /// - Returns: The first thing to tell it; nil when there is no room, or nothing is told here.
    func listen(_ channel: any Channel) -> [UInt8]? {
        guard let broadcast else { return nil }
        let isIn = state.withLockedValue { state in
            guard state.listeners.count < limits.listeners else { return false }
            state.listeners[ObjectIdentifier(channel)] = channel
            return true
        }
        return isIn ? broadcast.whole() : nil
    }

    /// Tells what is new. Who does not take what it was told before is shown out: nothing piles up.
    func tell() {
        let listeners = state.withLockedValue { Array($0.listeners.values) }
        guard let broadcast, !listeners.isEmpty else { return }
        let bytes = ByteBuffer(bytes: broadcast.news())
        for channel in listeners {
            guard channel.isWritable else {
                channel.close(promise: nil)
                continue
            }
            channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(bytes)), promise: nil)
        }
    }
}
