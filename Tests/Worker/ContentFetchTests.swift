import Faults
import Storage
import Testing
import Wire
import Worker

/// Tables of events for the machine that decides of whom which part is asked.
@Suite("Pulling files from holders")
struct ContentFetchTests {
    private let coordinator = "tcp://c:1"
    private let pool = PayloadPool()
    private let file = CachedFile(digest: Digest(of: Array("file".utf8)), byteCount: 10, name: "train/shard-00000.mdb")

    private func machine(window: Int = 2) -> ContentFetch {
        var settings = ContentFetch.Settings()
        settings.window = window
        settings.partBytes = 4
        return ContentFetch(coordinator: coordinator, settings: settings) { UInt64($0.utf8.last ?? 0) }
    }

    private func request(_ offset: Int, _ count: Int = 4) -> ContentRequest {
        ContentRequest(digest: file.digest.bytes, offset: offset, count: count)
    }

    private func part(_ offset: Int, _ count: Int = 4) -> ContentReply {
        .part(request(offset, count), bytes: pool.payload(count: count))
    }

    /// What a machine does, in words: `? HOLDER OFFSET` a request, `= OFFSET` a write.
    private func words(_ directives: [ContentFetch.Directive]) -> [String] {
        directives.map { directive in
            switch directive {
            case .connect(let holder): "+ \(holder.dropFirst(6))"
            case .disconnect(let holder): "- \(holder.dropFirst(6))"
            case .request(let holder, let request): "? \(holder.dropFirst(6)) \(request.offset)+\(request.count)"
            case .write(_, let offset, let bytes): "= \(offset)+\(bytes.count)"
            case .check: "check"
            case .fetched: "fetched"
            case .failed(_, let fault): "failed \(fault.code): \(fault.reason)"
            case .note(let text): "note \(text)"
            }
        }
    }

    /// Feeds events at their times, and compares what comes of each.
    private func run(
        _ machine: inout ContentFetch, _ table: [(time: Double, event: ContentFetch.Event, expected: [String])],
        _ location: SourceLocation = #_sourceLocation
    ) {
        for (index, row) in table.enumerated() {
            #expect(
                words(machine.handle(row.event, now: row.time)) == row.expected, "row \(index): \(row.event)",
                sourceLocation: location)
        }
    }

    @Test("In order, a window of parts under way, checked at the end")
    func whole() {
        var machine = machine()
        run(
            &machine,
            [
                (0, .tick, []),
                (0, .wanted(file), ["+ c:1"]),
                (0, .wanted(file), []),
                (1, .connected(coordinator), ["? c:1 0+4", "? c:1 4+4"]),
                (1, .reply(coordinator, part(0)), ["= 0+4", "? c:1 8+2"]),
                (1, .reply(coordinator, part(4)), ["= 4+4"]),
                (1, .reply(coordinator, part(8, 2)), ["= 8+2", "check"]),
                (1, .tick, []),
                (1, .checked(file.digest, isRight: true), ["fetched"]),
                (20, .tick, []),
                (32, .tick, ["- c:1"]),
                (33, .wanted(file), ["+ c:1"]),
            ])
    }

    @Test("Other workers are asked first; who does not have it is passed over")
    func peersFirst() {
        var machine = machine(window: 1)
        run(
            &machine,
            [
                (0, .peers(["tcp://w:3", "tcp://w:2"]), []),
                (0, .wanted(file), ["+ c:1", "+ w:2", "+ w:3"]),
                (0, .connected("tcp://w:2"), ["? w:2 0+4"]),
                (0, .connected(coordinator), []),
                (0, .connected("tcp://w:3"), []),
                (0, .reply("tcp://w:2", .refused(request(0), .absent)), ["? w:3 0+4"]),
                (0, .reply("tcp://w:2", part(0)), []),
                (0, .reply("tcp://w:3", .refused(request(0), .busy)), ["? c:1 0+4"]),
                (0, .reply(coordinator, part(0)), ["= 0+4", "? c:1 4+4"]),
            ])
    }

    @Test("A holder that dies in the middle: another goes on where it stopped")
    func death() {
        var machine = machine()
        run(
            &machine,
            [
                (0, .peers(["tcp://w:2"]), []),
                (0, .wanted(file), ["+ c:1", "+ w:2"]),
                (0, .connected(coordinator), ["? c:1 0+4", "? c:1 4+4"]),
                (0, .connected("tcp://w:2"), []),
                (0, .reply(coordinator, part(0)), ["= 0+4", "? c:1 8+2"]),
                (0, .disconnected(coordinator), ["? w:2 4+4", "? w:2 8+2"]),
                // Late, of the old connection.
                (0, .reply(coordinator, part(4)), []),
                (0, .reply("tcp://w:2", part(4)), ["= 4+4"]),
                // Out of the cluster: it is not a holder any more, and nobody else is there.
                (0, .peers([]), ["- w:2"]),
                (5, .tick, []),
                (100, .tick, []),
                (100, .connected(coordinator), ["? c:1 8+2"]),
                (100, .reply(coordinator, part(8, 2)), ["= 8+2", "check"]),
                // Of two holders: whose fault it is shows with one alone.
                (100, .checked(file.digest, isRight: false), ["? c:1 0+4", "? c:1 4+4"]),
                (100, .reply(coordinator, part(0)), ["= 0+4", "? c:1 8+2"]),
                (100, .disconnected(coordinator), []),
                (101, .connected(coordinator), ["? c:1 0+4", "? c:1 4+4"]),
            ])
    }

    @Test("A silent holder is left for another, and proves nothing")
    func silence() {
        var machine = machine(window: 1)
        run(
            &machine,
            [
                (0, .wanted(file), ["+ c:1"]),
                (0, .connected(coordinator), ["? c:1 0+4"]),
                (9, .tick, []),
                (11, .tick, []),
                (11.5, .tick, []),
                (12.1, .tick, ["? c:1 0+4"]),
                (23, .tick, []),
                (24.1, .tick, ["? c:1 0+4"]),
                (40, .tick, []),
                (41.1, .tick, ["? c:1 0+4"]),
                (60, .tick, []),
                (61.1, .tick, ["? c:1 0+4"]),
                (61.2, .reply(coordinator, part(0)), ["= 0+4", "? c:1 4+4"]),
            ])
    }

    @Test("No good copy anywhere: given up after three rounds, with the file and the hosts")
    func noGoodCopy() {
        var machine = machine(window: 3)
        var rows: [(time: Double, event: ContentFetch.Event, expected: [String])] = [
            (0, .peers(["tcp://w:2"]), []),
            (0, .wanted(file), ["+ c:1", "+ w:2"]),
            (0, .connected("tcp://w:2"), ["? w:2 0+4", "? w:2 4+4", "? w:2 8+2"]),
            (0, .connected(coordinator), []),
        ]
        let note = "note train/shard-00000.mdb: the coordinator at tcp://c:1 has a copy with a wrong digest"
        for round in 0..<3 {
            let now = Double(round) * 2
            let asked = ["? c:1 0+4", "? c:1 4+4", "? c:1 8+2"]
            rows += [
                (now, .reply("tcp://w:2", .refused(request(4), .unreadable)), asked),
                (now, .reply(coordinator, part(0)), ["= 0+4"]),
                (now, .reply(coordinator, part(4)), ["= 4+4"]),
                (now, .reply(coordinator, part(8, 2)), ["= 8+2", "check"]),
            ]
            if round < 2 {
                rows += [
                    (now, .checked(file.digest, isRight: false), [note]),
                    (now + 0.5, .tick, []),
                    (now + 1, .tick, ["? w:2 0+4", "? w:2 4+4", "? w:2 8+2"]),
                ]
            } else {
                rows.append(
                    (
                        now, .checked(file.digest, isRight: false),
                        [
                            note,
                            "failed data: nobody has a good copy of it: the coordinator at tcp://c:1 sent a copy with a wrong "
                                + "digest (3 times); the worker at tcp://w:2 cannot read its copy (3 times)",
                        ]
                    ))
            }
        }
        rows.append((10, .tick, []))
        run(&machine, rows)
    }

    @Test("Whoever sends what was not asked for now is not believed")
    func outOfTurn() {
        var machine = machine()
        var other = request(0)
        other.digest = Digest(of: [1]).bytes
        run(
            &machine,
            [
                (0, .peers(["tcp://w:2"]), []),
                (0, .wanted(file), ["+ c:1", "+ w:2"]),
                (0, .connected("tcp://w:2"), ["? w:2 0+4", "? w:2 4+4"]),
                (0, .connected(coordinator), []),
                (0, .reply("tcp://w:2", .part(other, bytes: pool.payload(count: 4))), []),
                (0, .reply("tcp://w:2", part(8, 2)), []),
                (0, .reply("tcp://w:2", part(4)), ["? c:1 0+4", "? c:1 4+4"]),
            ])
    }

    @Test("A file whose disk refuses is forgotten; the others go on, four at a time")
    func several() {
        var machine = machine(window: 1)
        let files = (0..<5).map { CachedFile(digest: Digest(of: [UInt8($0)]), byteCount: 4, name: "\($0)") }
        _ = machine.handle(.wanted(files[0]), now: 0)
        _ = machine.handle(.connected(coordinator), now: 0)
        for file in files[1..<4] {
            #expect(words(machine.handle(.wanted(file), now: 0)) == ["? c:1 0+4"])
        }
        #expect(words(machine.handle(.wanted(files[4]), now: 0)) == [])
        #expect(words(machine.handle(.abandoned(files[1].digest), now: 0)) == ["? c:1 0+4"])
        let late = ContentRequest(digest: files[1].digest.bytes, offset: 0, count: 4)
        #expect(words(machine.handle(.reply(coordinator, .refused(late, .absent)), now: 0)) == [])
    }
}
