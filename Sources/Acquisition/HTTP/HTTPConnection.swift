import CCurl
import Dispatch
import Faults

/// How long a server may take.
public struct ConnectionLimits: Sendable, Equatable {
    /// Seconds to connect.
    public var connect = 30.0
    /// Seconds in which at least `leastBytes` have to come, or the attempt is given up.
    public var stall = 60.0
    public var leastBytes = 1024
    public init() {}
}

/// A connection over which one request at a time goes out. The owner of libcurl's handles; for one thread.
///
/// Driven by `poll` and not by libcurl's own blocking call, so that a stall is noticed within its window and a wish to
/// stop at once.
final class HTTPConnection {
    struct Request {
        var address: WebAddress
        var isHead = false
        /// The first byte that is wanted, and the version it must be of.
        var rest: (from: Int, ifRange: String)?
    }

    /// Takes the answer. What `head` or `body` return or throw ends the transfer where they say so.
    struct Receiver {
        /// Sees the final head before the first byte of the body; `false` ends the transfer without an error.
        var head: (ResponseHead, _ retryAfter: Double?) throws(TransferFailure) -> Bool
        var body: (UnsafeRawBufferPointer) throws(TransferFailure) -> Void
    }

    private let handle: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private let limits: ConnectionLimits
    private let cancellation: Cancellation

    init(limits: ConnectionLimits, cancellation: Cancellation) throws(Fault) {
        _ = Self.library
        guard let easy = curl_easy_init(), let multi = curl_multi_init() else {
            throw Fault(.internal, "libcurl", "gave no handle: out of memory")
        }
        (self.handle, self.multi) = (easy, multi)
        (self.limits, self.cancellation) = (limits, cancellation)
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
    }

    /// Once in the process, before any thread uses it.
    private static let library: Void = { _ = curl_global_init(Int(CURL_GLOBAL_ALL)) }()

    /// Sends the request and gives the answer to the receiver.
    /// - Throws: what the receiver threw; `.passing` for a network that failed or stalled, `.refused` for what will not
    ///   be better the next time.
    func perform(_ request: Request, _ receiver: Receiver) throws(TransferFailure) {
        let exchange = Exchange(receiver: receiver, handle: handle)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        prepare(request, exchange, &headers)
        let code = withExtendedLifetime(exchange) { Result { () throws(TransferFailure) in try drive(exchange) } }
        if let failure = exchange.failure { throw failure }
        let status = try code.get()
        guard !exchange.isEnough else { return }
        guard status == CURLE_OK.rawValue else { throw Self.failure(CURLcode(status)) }
        // An answer without a body has not shown its head yet.
        exchange.showHead()
        if let failure = exchange.failure { throw failure }
    }

    private func prepare(_ request: Request, _ exchange: Exchange, _ headers: inout UnsafeMutablePointer<curl_slist>?) {
        curl_easy_reset(handle)
        zoetrope_curl_set_text(handle, CURLOPT_URL, request.address.text)
        zoetrope_curl_set_text(handle, CURLOPT_USERAGENT, "zoetrope")
        zoetrope_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        zoetrope_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 1)
        zoetrope_curl_set_long(handle, CURLOPT_MAXREDIRS, 5)
        zoetrope_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        zoetrope_curl_set_text(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        zoetrope_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(limits.connect * 1000))
        zoetrope_curl_set_long(handle, CURLOPT_BUFFERSIZE, 256 << 10)
        if request.isHead { zoetrope_curl_set_long(handle, CURLOPT_NOBODY, 1) }
        if let rest = request.rest {
            zoetrope_curl_set_text(handle, CURLOPT_RANGE, "\(rest.from)-")
            headers = curl_slist_append(headers, "If-Range: \(rest.ifRange)")
            zoetrope_curl_set_list(handle, CURLOPT_HTTPHEADER, headers)
        }
        zoetrope_curl_set_receivers(
            handle,
            { bytes, size, count, context in
                guard let context, let bytes else { return 0 }
                return Exchange.of(context).receive(head: UnsafeRawBufferPointer(start: bytes, count: size * count))
            },
            { bytes, size, count, context in
                guard let context, let bytes else { return 0 }
                return Exchange.of(context).receive(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
            }, Unmanaged.passUnretained(exchange).toOpaque())
    }

    private func drive(_ exchange: Exchange) throws(TransferFailure) -> UInt32 {
        guard curl_multi_add_handle(multi, handle) == CURLM_OK else {
            throw .passing("libcurl takes no request", retryAfter: nil)
        }
        defer { curl_multi_remove_handle(multi, handle) }
        // Milliseconds between two looks at the clock and at the wish to stop.
        let look = Int32(max(1, min(100, limits.stall * 250)))
        var watch = StallWatch(window: limits.stall, leastBytes: limits.leastBytes, now: Self.now)
        var seen = 0
        while true {
            var running: Int32 = 0
            guard curl_multi_perform(multi, &running) == CURLM_OK else {
                throw .passing("libcurl lost the request", retryAfter: nil)
            }
            if running == 0 {
                let result = zoetrope_curl_result(multi)
                return result >= 0 ? UInt32(result) : CURLE_RECV_ERROR.rawValue
            }
            if cancellation.isCancelled { throw .cancelled }
            watch.received(exchange.received - seen)
            seen = exchange.received
            if watch.isStalled(now: Self.now) {
                throw .passing(
                    "the server sent less than \(limits.leastBytes) bytes in \(limits.stall) s", retryAfter: nil)
            }
            curl_multi_poll(multi, nil, 0, look, nil)
        }
    }

    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    /// What cannot be better the next time is what this machine or the address is about.
    private static func failure(_ code: CURLcode) -> TransferFailure {
        let words = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_TOO_MANY_REDIRECTS, CURLE_PEER_FAILED_VERIFICATION,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM:
            return .refused(words)
        default: return .passing(words, retryAfter: nil)
        }
    }
}

/// One request's answer while it comes in; libcurl's callbacks reach it by its address.
private final class Exchange {
    private let receiver: HTTPConnection.Receiver
    private let handle: UnsafeMutableRawPointer
    private var head = ResponseHead()
    private var isHeadShown = false
    private(set) var isEnough = false
    private(set) var failure: TransferFailure?
    private(set) var received = 0

    init(receiver: HTTPConnection.Receiver, handle: UnsafeMutableRawPointer) {
        (self.receiver, self.handle) = (receiver, handle)
    }

    static func of(_ context: UnsafeMutableRawPointer) -> Exchange {
        Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    }

    /// Fields longer than any that matters are passed over.
    func receive(head line: UnsafeRawBufferPointer) -> Int {
        received += line.count
        if line.count <= 8192 { head.append(line: String(decoding: line, as: UTF8.self)) }
        return line.count
    }

    /// - Returns: how much was taken; anything but all of it makes libcurl end the transfer.
    func receive(body bytes: UnsafeRawBufferPointer) -> Int {
        received += bytes.count
        showHead()
        guard failure == nil, !isEnough else { return 0 }
        do throws(TransferFailure) { try receiver.body(bytes) } catch {
            failure = error
            return 0
        }
        return bytes.count
    }

    func showHead() {
        guard !isHeadShown else { return }
        isHeadShown = true
        let wait = zoetrope_curl_retry_after(handle)
        do throws(TransferFailure) { isEnough = try !receiver.head(head, wait > 0 ? Double(wait) : nil) } catch {
            failure = error
        }
    }
}
