import NIOCore
import NIOHTTP1

/// Bounds what a connection may send for one request, and how long it may take for it: whoever exceeds either is closed
/// before it is looked at.
final class RequestBound: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let most: Int
    private let patience: TimeAmount
    private var count = 0
    private var deadline: Scheduled<Void>?

    init(_ limits: HTTPLimits) {
        most = limits.requestBytes
        patience = .milliseconds(Int64(limits.patience * 1000))
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += unwrapInboundIn(data).readableBytes
        guard count <= most else {
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }

    /// A request is taken, or none is begun: counting and waiting begin anew.
    func begin(_ channel: any Channel) {
        count = 0
        deadline?.cancel()
        deadline = channel.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    /// No further request is awaited.
    func rest() { deadline?.cancel() }
}

/// One request after the other: head and body are awaited, then answered.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let crowd: Crowd
    private let bound: RequestBound
    private let names: OwnNames
    private let answer: @Sendable (HTTPRequest) -> HTTPAnswer
    private var head: HTTPRequestHead?
    private var isListening = false

    init(
        crowd: Crowd, bound: RequestBound, names: OwnNames, answer: @escaping @Sendable (HTTPRequest) -> HTTPAnswer
    ) {
        self.crowd = crowd
        self.bound = bound
        self.names = names
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // No request of ours has one that matters.
        case .body: break
        case .end:
            guard let head, !isListening else { return context.close(promise: nil) }
            self.head = nil
            bound.begin(context.channel)
            handle(head, context)
        }
    }

    private func handle(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let prefix = "Bearer "
        let bearer = head.headers.first(name: "Authorization").flatMap {
            $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil
        }
        // Whoever names none is no browser.
        let isOurs = head.headers["Host"].allSatisfy { names.contains($0) }
        let request = HTTPRequest(method: head.method.rawValue, path: String(path), bearer: bearer)
        switch isOurs ? answer(request) : Self.misdirected {
        case .whole(let status, let type, let body, let headers):
            write(status, type, body, headers, to: head, context)
        case .events: listen(head, context)
        }
    }

    private static let misdirected = HTTPAnswer.text(
        421, "nothing here has that name: ask for the address, for localhost, or for the name that this is served at")

    private func write(
        _ status: Int, _ type: String, _ body: [UInt8], _ more: [(String, String)], to head: HTTPRequestHead,
        _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders(more)
        headers.add(name: "Content-Type", value: type)
        headers.add(name: "Content-Length", value: String(body.count))
        headers.add(name: "X-Content-Type-Options", value: "nosniff")
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let answer = HTTPResponseHead(
            version: head.version, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        // HEAD is answered by what would come before the body.
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        }
        let done = context.eventLoop.makePromise(of: Void.self)
        if !head.isKeepAlive {
            let channel = context.channel
            done.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    }

    private func listen(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let first = crowd.listen(context.channel) else {
            return write(
                503, "text/plain; charset=utf-8", Array("too many listen already\n".utf8), [("Retry-After", "5")],
                to: head, context)
        }
        isListening = true
        // It is written to every second, or shown out when it does not take that.
        bound.rest()
        var headers = HTTPHeaders()
        headers.add(name: "Content-Type", value: "text/event-stream")
        headers.add(name: "Cache-Control", value: "no-store")
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .ok, headers: headers))), promise: nil
        )
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: first)))), promise: nil)
    }

    /// A connection that broke, or bytes that are no HTTP: the handlers before have answered, where there is an answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
