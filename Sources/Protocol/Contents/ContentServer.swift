import Glibc
import Synchronization
import Threads
public import Wire

/// Reads what others ask for of the data set, on a thread of its own: neither a slow disk nor many who ask keep the socket
/// thread from its work.
public final class ContentServer: Sendable {
    private let path: @Sendable ([UInt8]) -> String?
    private let answer: @Sendable (Peer, ContentReply) -> Void
    private let thread = TaskThread(name: "clips for others")
    private let book = Mutex(ServingBook<Peer>())
    private let pool = PayloadPool()

    /// - Parameters:
    ///   - path: The file with that SHA-256, if it is here. Called on the server's thread.
    ///   - answer: Has the answer sent. Called on the server's thread, or on the one that asks.
    public init(
        path: @escaping @Sendable ([UInt8]) -> String?, answer: @escaping @Sendable (Peer, ContentReply) -> Void
    ) {
        self.path = path
        self.answer = answer
    }

    /// Answers at once when too much is under way, else when it has read. From the socket thread; never waits.
    public func ask(_ request: ContentRequest, from peer: Peer) {
        guard book.withLock({ $0.begin(peer) }) else { return answer(peer, .refused(request, .busy)) }
        thread.post { [self] in
            let reply = read(request, for: peer)
            if case .refused = reply { end(peer) }
            answer(peer, reply)
        }
    }

    /// Ends the thread, what it was asked for first.
    public func finish() { thread.finish() }

    private func end(_ peer: Peer) { book.withLock { $0.end(peer) } }

    private func read(_ request: ContentRequest, for peer: Peer) -> ContentReply {
        guard let path = path(request.digest) else { return .refused(request, .absent) }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .refused(request, errno == ENOENT ? .absent : .unreadable) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .refused(request, .unreadable)
        }
        guard request.offset <= Int(status.st_size), request.count <= Int(status.st_size) - request.offset else {
            return .refused(request, .absent)
        }
        let memory = pool.payload(count: request.count)
        var done = 0
        while done < request.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[done...])
            let count = pread(file, rest.baseAddress, rest.count, request.offset + done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .refused(request, .unreadable) }
            done += count
        }
        // It is under way until ZeroMQ lets go of the bytes.
        return .part(
            request,
            bytes: Payload(adopting: memory.bytes) { [self] _ in
                withExtendedLifetime(memory) {}
                end(peer)
            })
    }
}
