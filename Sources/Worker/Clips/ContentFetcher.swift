public import Faults
import Foundation
public import Protocol
public import Storage
import Synchronization
import Threads
import Wire

/// Gets files of the data set from other workers and from the coordinator, on a thread of its own with connections of its
/// own: gradients never wait behind clips. It costs nothing before the first file is wanted.
public final class ContentFetcher: Sendable {
    private struct State {
        var mailbox: Mailbox<FetchLoop.Call>?
        var thread: DedicatedThread?
        var peers: [String] = []
        var isClosed = false
    }

    private let coordinator: String
    private let security: Security
    private let note: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - coordinator: `tcp://HOST:PORT`.
    ///   - security: With the keys of a worker, where the run has keys.
    ///   - note: What is worth a line in the log. Called on the fetcher's thread.
    public init(coordinator: String, security: Security, note: @escaping @Sendable (String) -> Void) {
        self.coordinator = coordinator
        self.security = security
        self.note = note
    }

    /// Fills the file and has it checked. Blocks until it is right; any thread. Of files of one content that are wanted at
    /// the same time, the first is pulled and the others are copies of it.
    ///
    /// - Throws: a data `Fault` that names the holders when none has a good copy, `Fault.stoppedEarly` once it is closed,
    ///   what the disk says when it refuses.
    public func fetch(_ file: PartialFile) throws(Fault) {
        let wish = FetchLoop.Wish(file)
        try send(wish)
        try wish.wait()
    }

    /// Where the other workers listen now.
    func setPeers(_ endpoints: [String]) {
        state.withLock { state in
            state.peers = endpoints
            state.mailbox?.post(.peers(endpoints))
        }
    }

    /// Nobody gets anything any more: whoever waits is told so.
    public func close() {
        let thread = state.withLock { state in
            state.isClosed = true
            state.mailbox?.post(.close)
            return state.thread
        }
        thread?.join()
    }

    /// Under the lock, as `close` is: whoever is sent after it would wait for a thread that is gone.
    private func send(_ wish: FetchLoop.Wish) throws(Fault) {
        try state.withLock { state throws(Fault) in
            guard !state.isClosed else { throw FetchLoop.closed }
            if state.mailbox == nil { try start(&state) }
            state.mailbox?.post(.wanted(wish))
        }
    }

    private func start(_ state: inout State) throws(Fault) {
        let mailbox = try Mailbox<FetchLoop.Call>()
        let loop = Confined(FetchLoop(try Context(security: security), mailbox, coordinator: coordinator, note: note))
        mailbox.post(.peers(state.peers))
        state.thread = DedicatedThread(name: "pulling clips") { loop.value.run() }
        state.mailbox = mailbox
    }
}

/// The thread of a fetcher: sockets, disk and clock round the pure machine.
private final class FetchLoop {
    enum Call: Sendable {
        case wanted(Wish)
        case peers([String])
        case close
    }

    /// A file that somebody waits for.
    final class Wish: Sendable {
        let file: PartialFile
        private let result = Mutex<Result<Void, Fault>?>(nil)
        private let isDone = DispatchSemaphore(value: 0)

        init(_ file: PartialFile) { self.file = file }

        func end(_ result: Result<Void, Fault>) {
            self.result.withLock { $0 = result }
            isDone.signal()
        }

        func wait() throws(Fault) {
            isDone.wait()
            try (result.withLock { $0 } ?? .failure(FetchLoop.closed)).get()
        }
    }

    static let closed = Fault(.stoppedEarly, "clips", "are not pulled any more: the worker is about to end")
    private static let tick = 0.2
    /// Parts and nothing larger come by these connections; with keys each is some bytes longer on the wire.
    private static let limits = FrameLimits(
        largestPart: ContentRequest.mostBytes + 4096, largestHeader: 4096, mostPayloads: 1)

    private let context: Context
    private let mailbox: Mailbox<Call>
    private let note: @Sendable (String) -> Void
    private let clock = MonotonicClock()
    private let poller = Poller()
    private var machine: ContentFetch
    private var connections: [String: Connection] = [:]
    /// By content: the first is what is written to, the others have joined it.
    private var wishes: [Digest: [Wish]] = [:]
    private var refused = RefusalCount()

    init(
        _ context: Context, _ mailbox: Mailbox<Call>, coordinator: String, note: @escaping @Sendable (String) -> Void
    ) {
        self.context = context
        self.mailbox = mailbox
        self.note = note
        let draw = UInt64.random(in: .min ... .max)
        machine = ContentFetch(coordinator: coordinator) { endpoint in
            // Any mixture does: workers are to disagree about the order.
            endpoint.utf8.reduce(draw) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
    }

    func run() {
        poller.watch(mailbox)
        var nextTick = clock.now
        while true {
            for call in mailbox.drain() {
                switch call {
                case .wanted(let wish):
                    wishes[wish.file.expected.digest, default: []].append(wish)
                    // Of what comes already the machine takes no notice.
                    feed(.wanted(wish.file.expected))
                case .peers(let endpoints): feed(.peers(endpoints))
                case .close:
                    for wish in wishes.values.joined() { wish.end(.failure(Self.closed)) }
                    return
                }
            }
            receive()
            if clock.now >= nextTick {
                nextTick = clock.now + Self.tick
                feed(.tick)
            }
            poller.wait(milliseconds: Int((max(0, nextTick - clock.now) * 1000).rounded(.up)))
        }
    }

    private func receive() {
        for (holder, connection) in connections {
            // What was disconnected on the way is not asked any more.
            while connections[holder] === connection, let event = connection.next() {
                switch event {
                case .connected: feed(.connected(holder))
                case .disconnected: feed(.disconnected(holder))
                case .message(let header, let payloads):
                    do throws(Fault) {
                        let reply = try header.withBytes { bytes throws(Fault) in
                            try ContentReply(header: bytes, payloads: payloads)
                        }
                        feed(.reply(holder, reply))
                    } catch {
                        if let told = refused.add(error, now: clock.now) { note("\(holder): \(told)") }
                    }
                }
            }
        }
    }

    private func feed(_ event: ContentFetch.Event) {
        for directive in machine.handle(event, now: clock.now) {
            switch directive {
            case .connect(let holder): connect(holder)
            case .disconnect(let holder):
                if let connection = connections.removeValue(forKey: holder) { poller.forget(connection) }
            case .request(let holder, let request):
                let encoded = EncodedFrame(request)
                // What cannot be sent is not answered: the machine asks another.
                _ = connections[holder]?.send(header: encoded.header, payloads: encoded.payloads)
            case .write(let digest, let offset, let bytes): write(bytes, of: digest, at: offset)
            case .check(let digest): check(digest)
            case .fetched(let digest): share(digest)
            case .failed(let digest, let fault): fail(digest, fault)
            case .note(let text): note(text)
            }
        }
    }

    private func connect(_ holder: String) {
        do throws(Fault) {
            let isWorker = holder != machine.coordinator
            let connection = try Connection(
                context, endpoint: holder, to: isWorker ? .worker : .coordinator, limits: Self.limits)
            connections[holder] = connection
            poller.watch(connection)
        } catch { note("\(error)") }
    }

    private func write(_ bytes: Payload, of digest: Digest, at offset: Int) {
        guard let wish = wishes[digest]?.first else { return }
        do throws(Fault) {
            try bytes.withBytes { bytes throws(Fault) in try wish.file.write(bytes, at: offset) }
        } catch { giveUp(digest, error) }
    }

    private func check(_ digest: Digest) {
        guard let wish = wishes[digest]?.first else { return }
        do throws(Fault) { feed(.checked(digest, isRight: try wish.file.check())) } catch { giveUp(digest, error) }
    }

    /// The first has it; whoever joined it gets a copy.
    private func share(_ digest: Digest) {
        guard let all = wishes.removeValue(forKey: digest), let first = all.first else { return }
        first.end(.success(()))
        for wish in all.dropFirst() {
            do throws(Fault) {
                try wish.file.copy(first.file)
                wish.end(.success(()))
            } catch { wish.end(.failure(error)) }
        }
    }

    private func fail(_ digest: Digest, _ fault: Fault) {
        for wish in wishes.removeValue(forKey: digest) ?? [] { wish.end(.failure(fault)) }
    }

    private func giveUp(_ digest: Digest, _ fault: Fault) {
        fail(digest, fault)
        feed(.abandoned(digest))
    }
}
