import Foundation
import Glibc
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1 that serves files from memory and misbehaves as told.
///
/// It knows GET and HEAD, `Range: bytes=N-` and `If-Range`. Each connection has a thread and serves one request.
public final class FileServer: Sendable {
    public struct File: Sendable {
        public var bytes: [UInt8]
        public var etag: String?
        public init(_ bytes: [UInt8], etag: String? = "\"1\"") { (self.bytes, self.etag) = (bytes, etag) }
    }

    /// What happens to one GET.
    public enum Behaviour: Sendable, Equatable {
        case serve
        /// A status without the file.
        case status(Int, retryAfter: Int? = nil)
        /// Announces everything and breaks off after so many bytes of the body.
        case breakOff(after: Int)
        /// Announces everything, sends so many bytes of the body, then nothing until the client leaves.
        case hang(after: Int)
        /// Announces and sends so many bytes as if they were all.
        case shorten(to: Int)
        /// Sends the whole file, whatever range was asked for.
        case ignoreRange
        /// Status 200 and a web page.
        case webPage
        /// Serves these bytes instead, under the same name and validator.
        case corrupt([UInt8])
    }

    public struct Request: Sendable, Equatable {
        public var method: String
        public var path: String
        /// The first byte asked for.
        public var offset: Int?
        public var ifRange: String?
    }

    private struct State: Sendable {
        var files: [String: File]
        /// For each path what happens to its next GETs; after that they are served.
        var plans: [String: [Behaviour]] = [:]
        var requests: [Request] = []
        var connections: Set<Int32> = []
        var isStopped = false
    }

    private let state: Mutex<State>
    private let listener: Int32
    public let port: Int

    public var address: String { "http://127.0.0.1:\(port)" }

    /// - Parameter files: by path, beginning with a slash, percent signs decoded.
    public init(_ files: [String: File]) throws {
        state = Mutex(State(files: files))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 64) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard listener >= 0, bound else { throw RelayError(errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        try startThread { [self] in acceptAll() }
    }

    public func plan(_ path: String, _ behaviours: [Behaviour]) { state.withLock { $0.plans[path] = behaviours } }
    public func put(_ path: String, _ file: File?) { state.withLock { $0.files[path] = file } }
    public var requests: [Request] { state.withLock { $0.requests } }
    public func forgetRequests() { state.withLock { $0.requests = [] } }

    /// Ends the server, connections and all.
    public func stop() {
        state.withLock {
            $0.isStopped = true
            for connection in $0.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let isWelcome = state.withLock {
                if !$0.isStopped { $0.connections.insert(connection) }
                return !$0.isStopped
            }
            let isServed = isWelcome && (try? startThread { [self] in serve(connection) }) != nil
            if !isServed { close(connection) }
        }
        close(listener)
    }

    private func serve(_ connection: Int32) {
        answer(connection)
        state.withLock { _ = $0.connections.remove(connection) }
        close(connection)
    }

    private func answer(_ connection: Int32) {
        guard let request = read(connection) else { return }
        let (file, behaviour) = state.withLock { state -> (File?, Behaviour) in
            state.requests.append(request)
            var behaviour = Behaviour.serve
            if request.method == "GET", let next = state.plans[request.path]?.first {
                behaviour = next
                state.plans[request.path]?.removeFirst()
            }
            return (state.files[request.path], behaviour)
        }
        guard var file else { return send(connection, head(404, length: 9), Array("not here\n".utf8), request) }
        var offset = request.offset ?? 0
        if let validator = request.ifRange, validator != file.etag { offset = 0 }
        switch behaviour {
        case .serve: break
        case .status(let status, let retryAfter):
            let field = retryAfter.map { ["Retry-After: \($0)"] } ?? []
            return send(connection, head(status, length: 5, field), Array("wait\n".utf8), request)
        case .webPage:
            let page = Array("<!DOCTYPE html><html>log in</html>".utf8)
            return send(connection, head(200, length: page.count, ["Content-Type: text/html"]), page, request)
        case .ignoreRange: offset = 0
        case .corrupt(let bytes): file.bytes = bytes
        case .shorten(let count): file.bytes = Array(file.bytes.prefix(count))
        case .breakOff, .hang: break
        }
        guard offset == 0 || offset < file.bytes.count else {
            return send(connection, head(416, length: 0, ["Content-Range: bytes */\(file.bytes.count)"]), [], request)
        }
        var fields = ["Accept-Ranges: bytes"] + (file.etag.map { ["ETag: \($0)"] } ?? [])
        let isRange = request.offset != nil && (offset > 0 || request.ifRange == file.etag) && behaviour != .ignoreRange
        if isRange {
            fields.append("Content-Range: bytes \(offset)-\(file.bytes.count - 1)/\(file.bytes.count)")
        }
        let body = Array(file.bytes[offset...])
        let head = head(isRange ? 206 : 200, length: body.count, fields)
        switch behaviour {
        case .breakOff(let count): send(connection, head, Array(body.prefix(count)), request)
        case .hang(let count):
            send(connection, head, Array(body.prefix(count)), request)
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
        default: send(connection, head, body, request)
        }
    }

    private func head(_ status: Int, length: Int, _ fields: [String] = []) -> String {
        (["HTTP/1.1 \(status) Status", "Content-Length: \(length)", "Connection: close"] + fields)
            .joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func send(_ connection: Int32, _ head: String, _ body: [UInt8], _ request: Request) {
        var rest = (Array(head.utf8) + (request.method == "HEAD" ? [] : body))[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func read(_ connection: Int32) -> Request? {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while !text.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard text.count < 1 << 16, recv(connection, &byte, 1, 0) == 1 else { return nil }
            text.append(byte)
        }
        let lines = String(decoding: text, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        var request = Request(method: String(words[0]), path: String(words[1]).removingPercentEncoding ?? "")
        for line in lines.dropFirst() {
            let lower = line.lowercased()
            if lower.hasPrefix("range: bytes=") { request.offset = Int(line.dropFirst(13).prefix { $0 != "-" }) }
            if lower.hasPrefix("if-range: ") { request.ifRange = String(line.dropFirst(10)) }
        }
        return request
    }
}
