import Clips
import Evaluation
import Faults
import Glibc
import Protocol
import Reporting
import Storage

/// What a test says on its way, and what it keeps for the case that it is ended: `OUT/outcomes`, until the result is there.
struct TestRecord {
    /// Outcomes of an earlier process of the same test.
    let known: [Int: VideoOutcome]
    private let set: PackedSet
    private let clock = MonotonicClock()
    private var bar: ProgressBar
    private var done = 0
    private var right = 0
    private let journal: TestJournal?
    private var keeps = true

    /// - Parameter out: Where the result will be; without it nothing is kept.
    init(_ test: PreparedTest, out: String?, allowsUnexpected: Bool) throws {
        set = test.set
        bar = ProgressBar("test", total: test.set.count, now: clock.now)
        if let out {
            let journal = try TestJournal(
                out + "/outcomes", of: try Self.identity(test, allowsUnexpected: allowsUnexpected),
                videos: test.set.count, classes: test.classes, holder: "process \(getpid()) on \(hostName())")
            self.journal = journal
            known = journal.known
            if journal.replacedAnother {
                say("\(out)/outcomes was of another test: this one begins from its first video")
            }
        } else {
            journal = nil
            known = [:]
        }
        guard !known.isEmpty else { return }
        say("\(known.count) of \(set.count) videos were tested before")
        for (rank, outcome) in known { count(rank, outcome) }
    }

    /// Whatever decides the scores; how many views go through the network together does not.
    private static func identity(_ test: PreparedTest, allowsUnexpected: Bool) throws(Fault) -> Digest {
        let parts = [
            Zoetrope.version, test.text, test.set.split, "\(test.set.digest)", "\(try fileDigest(test.checkpoint))",
            allowsUnexpected ? "unexpected" : "",
        ]
        return Digest(of: Array(parts.joined(separator: "\0").utf8))
    }

    mutating func add(_ rank: Int, _ outcome: VideoOutcome) {
        count(rank, outcome)
        guard keeps, let journal else { return }
        do throws(Fault) { try journal.add(outcome, of: rank) } catch {
            // The test itself needs no disk.
            keeps = false
            say("\(error); if the test is ended, videos from here on are tested again")
        }
    }

    /// The result is written.
    func finish() throws(Fault) { try journal?.remove() }

    mutating func tell(_ note: TestCoordinator.Note) {
        switch note {
        case .outcome(let rank, let outcome, _): add(rank, outcome)
        case .joined(let name): say("worker \(name) joined")
        case .left(let name, let count): say("worker \(name) is gone; \(count) videos are tested again elsewhere")
        case .failed(let name, let reason): say("worker \(name) cannot go on: \(reason)")
        case .different(let video, let name):
            say("ALARM: worker \(name) found other scores of \(set.records[video].name) than another did")
        case .refused(let fault): say("\(fault)")
        }
    }

    private mutating func count(_ rank: Int, _ outcome: VideoOutcome) {
        done += 1
        if let best = outcome.scores.max(), outcome.scores.firstIndex(of: best) == set.records[rank].label {
            right += 1
        }
        bar.update(done, "video@1 \(percent(Double(right) / Double(done)))", now: clock.now)
    }

    private func say(_ text: String) { standardError("zoetrope: \(text)\n") }
}
