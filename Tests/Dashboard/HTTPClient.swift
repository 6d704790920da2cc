import CCurl
import Glibc

/// A real client of the page: libcurl.
enum HTTPClient {
    struct Answer {
        var status: Int
        var head: String
        var body: String
    }

    /// - Parameter seconds: After which it is given up; what has come until then counts, as of a stream without an end.
    static func ask(
        _ url: String, method: String = "GET", headers: [String] = [], seconds: Int = 60
    ) -> Answer? {
        guard let handle = curl_easy_init() else { return nil }
        defer { curl_easy_cleanup(handle) }
        let received = Received()
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, header) }
        defer { curl_slist_free_all(list) }
        _ = zoetrope_curl_set_text(handle, CURLOPT_URL, url)
        _ = zoetrope_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, method)
        _ = zoetrope_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
        _ = zoetrope_curl_set_long(handle, CURLOPT_TIMEOUT, seconds)
        _ = zoetrope_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = zoetrope_curl_set_long(handle, CURLOPT_NOBODY, method == "HEAD" ? 1 : 0)
        _ = zoetrope_curl_set_receivers(
            handle,
            { bytes, size, count, context in
                take(bytes, size * count, context) { $0.head += $1 }
            },
            { bytes, size, count, context in
                take(bytes, size * count, context) { $0.body += $1 }
            }, Unmanaged.passUnretained(received).toOpaque())
        let code = withExtendedLifetime(received) { curl_easy_perform(handle) }
        guard code == CURLE_OK || code == CURLE_OPERATION_TIMEDOUT else { return nil }
        let head = String(decoding: received.head, as: UTF8.self)
        let words = head.split(separator: " ", maxSplits: 2)
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        return Answer(status: status, head: head, body: String(decoding: received.body, as: UTF8.self))
    }
}

/// What has arrived.
private final class Received {
    var head: [UInt8] = []
    var body: [UInt8] = []
}

private func take(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ append: (Received, [UInt8]) -> Void
) -> Int {
    guard let bytes, let context else { return 0 }
    let copy = UnsafeRawBufferPointer(start: bytes, count: count).map { $0 }
    append(Unmanaged<Received>.fromOpaque(context).takeUnretainedValue(), copy)
    return count
}

/// A connection that may say anything.
final class RawConnection {
    private let file: Int32

    /// - Parameter seconds: How long `rest` waits for more.
    init(port: Int, seconds: Int = 60) {
        file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(file) }

    /// - Returns: Whether the other end took it.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Everything until the other end closes; nil when it does not.
    func rest() -> String? {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(file, &part, part.count, 0)
            if count == 0 || count < 0 && errno == ECONNRESET { return String(decoding: all, as: UTF8.self) }
            guard count > 0 else { return nil }
            all += part[..<count]
        }
    }

    /// Whatever comes first; nil when nothing does.
    func first() -> String? {
        var part = [UInt8](repeating: 0, count: 65536)
        let count = recv(file, &part, part.count, 0)
        return count > 0 ? String(decoding: part[..<count], as: UTF8.self) : nil
    }
}
