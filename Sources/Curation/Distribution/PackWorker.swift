public import Faults
import Glibc
public import Protocol
public import Storage
import Threads
import Wire

/// A video that a helper of a packing is to find out about.
public struct PackTask: Sendable {
    /// Which is to be asked for.
    public let source: CachedFile
    /// A path of its own, where it may put what it writes anew, and with other endings whatever else it needs.
    public let target: String
}

/// What a helper of a packing works with.
public struct PackTools: Sendable {
    /// What it made of the trial video.
    public var trial: String
    /// Finds out about a video, and writes it anew to the target where that is asked for. Called on several threads.
    ///
    /// Gives the line of `examineForPacking`, of what is to go into the set; a data `Fault` where it cannot: the packing looks
    /// at the video itself then. Any other ends the helper.
    public var find: @Sendable (PackTask) -> Result<String, Fault>
    /// Ends what is under way: nobody waits for it any more.
    public var cancel: @Sendable () -> Void

    public init(
        trial: String, find: @escaping @Sendable (PackTask) -> Result<String, Fault>,
        cancel: @escaping @Sendable () -> Void
    ) {
        (self.trial, self.find, self.cancel) = (trial, find, cancel)
    }
}

/// Helps a packing: finds out about the videos that it leases, on threads of its own.
public final class PackWorker {
    private struct Found: Sendable {
        /// Which connection it was leased by.
        let epoch: Int
        let slot: Int
        let video: Int
        let target: String
        let result: Result<String, Fault>
    }

    private let me: PackHelper
    private let scratch: String
    private let isStopped: @Sendable () -> Bool
    private let connection: Connection
    private let poller = Poller()
    private let clock = MonotonicClock()
    private let memory = PayloadPool()
    private let results: Mailbox<Found>
    private let slots: [TaskThread]
    private var free: [Int]
    private var epoch = 0
    private var tasks = 0
    private var queue: [(video: Int, source: CachedFile)] = []
    /// Videos that were written anew, until they are settled.
    private var offered: [Int: String] = [:]
    private var prepared: (assignment: PackAssignment, tools: PackTools)?
    private var isReady = false

    /// Seconds without a connection after which the packing counts as gone.
    private static let patience = 30.0

    /// - Parameters:
    ///   - me: with the libraries of this process.
    ///   - scratch: a folder for files that are under way.
    ///   - isStopped: asked again and again: whether to end.
    public init(
        join: String, as me: PackHelper, scratch: String, security: Security,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws(Fault) {
        (self.me, self.scratch, self.isStopped) = (me, scratch, isStopped)
        connection = try Connection(
            try Context(security: security), endpoint: join,
            limits: FrameLimits(largestPart: PackMessage.mostPart + 4096, largestHeader: 4096, mostPayloads: 4))
        connection.setLinger(milliseconds: 2000)
        results = try Mailbox()
        slots = (0..<me.capacity).map { TaskThread(name: "packing \($0)") }
        free = Array((0..<me.capacity).reversed())
        poller.watch(connection)
        poller.watch(results)
    }

    /// Until the packing is done.
    /// - Parameter prepare: makes ready for it; throws when this machine cannot take part.
    /// - Throws: why it cannot go on; the packing has been told.
    public func run(prepare: (PackAssignment) throws -> PackTools) throws {
        defer { end() }
        var lost = clock.now
        while true {
            poller.wait(milliseconds: 200)
            for found in results.drain() { try telling { try finish(found) } }
            while let event = connection.next() {
                switch event {
                case .connected: send(.hello(version: PackMessage.version, me))
                case .disconnected:
                    lost = clock.now
                    forget()
                case .message(let header, let payloads):
                    if try handle(try PackMessage(header: header, payloads: payloads), prepare) { return }
                }
            }
            if let refusal = connection.refusal { throw refusal }
            if isStopped() { throw Fault(.stoppedEarly, me.name, "was stopped") }
            guard connection.isConnected || clock.now - lost < Self.patience else {
                throw Fault(
                    .stoppedEarly, connection.endpoint, "no packing there for \(Int(Self.patience)) s",
                    mend: "when it goes on, run this command again")
            }
            while isReady, !queue.isEmpty, let slot = free.popLast() { begin(slot) }
        }
    }

    /// - Returns: whether all is done.
    private func handle(_ message: PackMessage, _ prepare: (PackAssignment) throws -> PackTools) throws -> Bool {
        switch message {
        case .welcome(let assignment):
            try telling {
                if prepared?.assignment != assignment { prepared = (assignment, try prepare(assignment)) }
            }
            isReady = true
            send(.ready(trial: prepared?.tools.trial ?? ""))
        case .lease(let video, let source):
            guard isReady, queue.count < me.capacity else {
                throw Fault(.data, connection.endpoint, "leases more videos than it was told to")
            }
            queue.append((video, source))
        case .give(let video, let offset, let count): try give(video, offset, count)
        case .settled(let video): if let path = offered.removeValue(forKey: video) { unlink(path) }
        case .refused(let reason): throw Fault(.usage, me.name, reason)
        case .stop: return true
        case .stopped(let reason):
            throw Fault(
                .stoppedEarly, connection.endpoint, "the packing ended: \(reason)",
                mend: "when it goes on, run this command again")
        case .hello, .ready, .failed, .found, .cannot, .part:
            throw Fault(.data, connection.endpoint, "sends what only helpers do")
        }
        return false
    }

    private func begin(_ slot: Int) {
        guard let tools = prepared?.tools else { return }
        let (video, source) = queue.removeFirst()
        tasks += 1
        let task = PackTask(source: source, target: "\(scratch)/\(tasks).mp4")
        slots[slot].post { [results, epoch] in
            let result = tools.find(task)
            results.post(Found(epoch: epoch, slot: slot, video: video, target: task.target, result: result))
        }
    }

    private func finish(_ found: Found) throws {
        free.append(found.slot)
        // What another connection leased is nobody's any more.
        guard found.epoch == epoch else {
            unlink(found.target)
            return
        }
        switch found.result {
        case .success(let finding):
            offered[found.video] = found.target
            send(.found(video: found.video, finding: finding))
        case .failure(let fault):
            unlink(found.target)
            guard fault.code == .data else { throw fault }
            send(.cannot(video: found.video, reason: fault.reason))
        }
    }

    private func give(_ video: Int, _ offset: Int, _ count: Int) throws(Fault) {
        guard let path = offered[video] else { return }
        let file = try Descriptor(path, O_RDONLY)
        let bytes = memory.payload(count: count)
        guard try file.read(into: bytes.bytes, at: offset) == count else {
            throw Fault(.data, connection.endpoint, "asks for bytes \(offset) on, outside the video")
        }
        let message = PackMessage.part(video: video, offset: offset, bytes: [])
        _ = connection.send(header: message.parts.header, payloads: [bytes])
    }

    /// Of a connection that is gone nothing is left.
    private func forget() {
        epoch += 1
        isReady = false
        queue = []
        for path in offered.values { unlink(path) }
        offered = [:]
    }

    private func end() {
        prepared?.tools.cancel()
        // Nobody waits for those that are at a video: it may have to come from elsewhere still.
        for slot in free { slots[slot].finish() }
        for slot in slots { slot.close() }
    }

    /// The packing hears of what ends this helper.
    private func telling(_ body: () throws -> Void) throws {
        do { try body() } catch {
            send(.failed(reason: "\(error)"))
            throw error
        }
    }

    private func send(_ message: PackMessage) {
        // What does not leave is of a connection that is about to be gone.
        _ = connection.send(message.parts)
    }
}
