package import Faults
package import Storage
package import Wire

/// Of whom which part of which file is asked: a pure machine.
///
/// A file comes from one holder at a time, in order, a few parts under way. Other workers are asked before the coordinator,
/// which has everything and everybody asks. Whoever has no good copy is passed over for a round; when the coordinator has
/// none either, the next round begins after a pause, and after a few the file is given up. Holders that are silent or out of
/// reach prove nothing: as long as it is the coordinator, it is waited for.
package struct ContentFetch {
    package struct Settings {
        /// Parts asked for and not yet there, of one file.
        package var window = 4
        package var partBytes = ContentRequest.mostBytes
        /// Seconds without an answer after which another holder is asked.
        package var silence = 10.0
        /// Seconds between two rounds.
        package var pause = 1.0
        /// Rounds in which even the coordinator had no good copy.
        package var rounds = 3
        /// Other workers that are connected to, and files that come at the same time.
        package var mostPeers = 8
        package var mostTransfers = 4
        /// Seconds without a file wanted after which connections are closed.
        package var idle = 30.0

        package init() {}
    }

    package enum Event {
        case wanted(CachedFile)
        /// Nobody waits for it any more: the disk refused.
        case abandoned(Digest)
        /// Where the other workers of the moment listen.
        case peers([String])
        case connected(String)
        case disconnected(String)
        case reply(String, ContentReply)
        /// The answer to `check`.
        case checked(Digest, isRight: Bool)
        case tick
    }

    package enum Directive {
        case connect(String)
        case disconnect(String)
        case request(String, ContentRequest)
        case write(Digest, offset: Int, Payload)
        case check(Digest)
        case fetched(Digest)
        case failed(Digest, Fault)
        case note(String)
    }

    private struct Transfer {
        let file: CachedFile
        var holder: String?
        /// Bytes that are there, and up to where they are asked for.
        var done = 0
        var asked = 0
        var outstanding: [ContentRequest] = []
        /// Who sent what is there.
        var sources: Set<String> = []
        /// Parts of several holders gave a wrong digest: whose fault it was shows only with one alone.
        var isOfOne = false
        /// Who is not asked in this round any more.
        var passed: Set<String> = []
        var isDenied = false
        var round = 0
        /// What each holder did wrong, in words, and how often.
        var complaints: [String: (reason: String, count: Int)] = [:]
        var resumes = 0.0
        var heard = 0.0
        var isChecking = false
    }

    let coordinator: String
    private let settings: Settings
    /// In the order in which they are asked: another one for each worker.
    private var peers: [String] = []
    private let order: (String) -> UInt64
    private var links: Set<String> = []
    private var connected: Set<String> = []
    private var transfers: [Transfer] = []
    private var lastWanted = -Double.infinity
    private var directives: [Directive] = []

    /// - Parameter order: Of peers, ascending; workers that draw another one ask others first.
    package init(
        coordinator: String, settings: Settings = Settings(), order: @escaping (String) -> UInt64
    ) {
        self.coordinator = coordinator
        self.settings = settings
        self.order = order
    }

    /// - Parameter now: Monotonic seconds.
    package mutating func handle(_ event: Event, now: Double) -> [Directive] {
        directives = []
        switch event {
        case .wanted(let file):
            guard !transfers.contains(where: { $0.file.digest == file.digest }) else { break }
            transfers.append(Transfer(file: file))
        case .abandoned(let digest): transfers.removeAll { $0.file.digest == digest }
        case .peers(let endpoints):
            peers = Set(endpoints).subtracting([coordinator]).sorted { (order($0), $0) < (order($1), $1) }
        case .connected(let holder): connected.insert(holder)
        case .disconnected(let holder): lose(holder)
        case .reply(let holder, let reply): receive(reply, from: holder, now: now)
        case .checked(let digest, let isRight): judge(digest, isRight)
        case .tick: watch(now)
        }
        if !transfers.isEmpty { lastWanted = now }
        connect(now)
        for index in transfers.indices.reversed() { advance(index, now: now) }
        return directives
    }

    // MARK: - Holders

    private mutating func connect(_ now: Double) {
        var wanted: Set<String> = []
        if now - lastWanted < settings.idle { wanted = Set(peers.prefix(settings.mostPeers) + [coordinator]) }
        for holder in links.subtracting(wanted).sorted() {
            lose(holder)
            links.remove(holder)
            directives.append(.disconnect(holder))
        }
        for holder in wanted.subtracting(links).sorted() {
            links.insert(holder)
            directives.append(.connect(holder))
        }
    }

    private mutating func lose(_ holder: String) {
        connected.remove(holder)
        for index in transfers.indices where transfers[index].holder == holder { release(index) }
    }

    private mutating func release(_ index: Int) {
        transfers[index].holder = nil
        transfers[index].outstanding = []
        transfers[index].asked = transfers[index].done
    }

    /// Asks this holder no more in this round.
    /// - Parameter isDenial: It has no good copy; otherwise that is not known.
    private mutating func pass(_ index: Int, over holder: String, _ reason: String, isDenial: Bool) {
        let count = (transfers[index].complaints[holder]?.count ?? 0) + 1
        transfers[index].complaints[holder] = (reason, count)
        transfers[index].passed.insert(holder)
        if isDenial, holder == coordinator { transfers[index].isDenied = true }
        release(index)
    }

    private mutating func choose(_ index: Int, now: Double) -> String? {
        let open = connected.subtracting(transfers[index].passed)
        let candidates = peers.prefix(settings.mostPeers).filter { open.contains($0) }
        let load = Dictionary(transfers.compactMap(\.holder).map { ($0, 1) }, uniquingKeysWith: +)
        if let peer = candidates.min(by: { load[$0, default: 0] < load[$1, default: 0] }) { return peer }
        return open.contains(coordinator) ? coordinator : nil
    }

    // MARK: - Files

    private mutating func advance(_ index: Int, now: Double) {
        guard index < settings.mostTransfers, !transfers[index].isChecking, now >= transfers[index].resumes else {
            return
        }
        if transfers[index].holder == nil {
            guard let holder = choose(index, now: now) else { return endRound(index, now: now) }
            transfers[index].holder = holder
            transfers[index].heard = now
            if transfers[index].isOfOne { restart(index) }
        }
        guard let holder = transfers[index].holder else { return }
        let size = transfers[index].file.byteCount
        while transfers[index].outstanding.count < settings.window, transfers[index].asked < size {
            let request = ContentRequest(
                digest: transfers[index].file.digest.bytes, offset: transfers[index].asked,
                count: min(settings.partBytes, size - transfers[index].asked))
            transfers[index].outstanding.append(request)
            transfers[index].asked += request.count
            directives.append(.request(holder, request))
        }
    }

    /// Nobody is left to ask.
    private mutating func endRound(_ index: Int, now: Double) {
        // Out of reach: it will be back, or this worker ends of its own patience.
        guard transfers[index].passed.contains(coordinator) else { return }
        if transfers[index].isDenied { transfers[index].round += 1 }
        guard transfers[index].round < settings.rounds else {
            let transfer = transfers.remove(at: index)
            return directives.append(.failed(transfer.file.digest, fault(transfer)))
        }
        transfers[index].passed = []
        transfers[index].isDenied = false
        transfers[index].resumes = now + settings.pause
    }

    private mutating func restart(_ index: Int) {
        (transfers[index].done, transfers[index].asked) = (0, 0)
        transfers[index].sources = []
    }

    private mutating func receive(_ reply: ContentReply, from holder: String, now: Double) {
        // Whatever is not under way is of an earlier attempt.
        guard
            let index = transfers.firstIndex(where: {
                $0.holder == holder && $0.outstanding.contains(reply.request)
            })
        else { return }
        switch reply {
        case .refused(_, .absent): pass(index, over: holder, "does not have it", isDenial: true)
        case .refused(_, .unreadable): pass(index, over: holder, "cannot read its copy", isDenial: true)
        case .refused(_, .busy): pass(index, over: holder, "was busy", isDenial: false)
        case .part(let request, let bytes):
            guard transfers[index].outstanding.first == request, bytes.count == request.count else {
                return pass(index, over: holder, "answered out of turn", isDenial: true)
            }
            transfers[index].outstanding.removeFirst()
            transfers[index].sources.insert(holder)
            transfers[index].done += request.count
            transfers[index].heard = now
            let digest = transfers[index].file.digest
            directives.append(.write(digest, offset: request.offset, bytes))
            guard transfers[index].done == transfers[index].file.byteCount else { return }
            transfers[index].isChecking = true
            directives.append(.check(digest))
        }
    }

    private mutating func judge(_ digest: Digest, _ isRight: Bool) {
        guard let index = transfers.firstIndex(where: { $0.file.digest == digest && $0.isChecking }) else { return }
        guard !isRight else {
            transfers.remove(at: index)
            return directives.append(.fetched(digest))
        }
        let sources = transfers[index].sources
        transfers[index].isChecking = false
        restart(index)
        if sources.count == 1, let holder = sources.first {
            directives.append(
                .note("\(transfers[index].file.name): \(name(holder)) has a copy with a wrong digest"))
            pass(index, over: holder, "sent a copy with a wrong digest", isDenial: true)
        } else {
            transfers[index].isOfOne = true
            release(index)
        }
    }

    private mutating func watch(_ now: Double) {
        for index in transfers.indices {
            guard let holder = transfers[index].holder, !transfers[index].outstanding.isEmpty,
                now - transfers[index].heard > settings.silence
            else { continue }
            pass(index, over: holder, "did not answer", isDenial: false)
        }
    }

    private func name(_ holder: String) -> String {
        holder == coordinator ? "the coordinator at \(holder)" : "the worker at \(holder)"
    }

    private func fault(_ transfer: Transfer) -> Fault {
        let complaints = transfer.complaints.sorted { $0.key < $1.key }.map { holder, what in
            "\(name(holder)) \(what.reason)" + (what.count > 1 ? " (\(what.count) times)" : "")
        }
        return Fault(
            .data, transfer.file.name, "nobody has a good copy of it: " + complaints.joined(separator: "; "),
            mend: "check the data set with 'zoetrope data info', and copy this file to one of them again")
    }
}
