import Protocol
import Testing
import Wire
import Worker

/// What a worker keeps of the ledger for the next coordinator.
@Suite struct LedgerTailTests {
    private func record(_ step: Int, _ words: Int) -> LedgerRecord {
        let reason = String(repeating: "unreadable ", count: words)
        return LedgerRecord(
            outcome: StepOutcome(
                step: step, firstPosition: UInt64(2 * step), clips: 2, loss: 1, correct: 1, gradientNorm: 1,
                gradientDigest: UInt64(step), rate: 0.1, coefficient: 1, skipped: false,
                substitutes: [Substitute(position: UInt64(2 * step), wanted: 1, used: 2, reason: reason)]),
            generation: 1, map: 1, workers: 2, seconds: 1)
    }

    /// The greeting of the next coordinator, after steps of which no checkpoint could be made.
    private func ready(steps: Int, checkpoint: Int, words: Int) throws -> (Ready, bytes: Int) {
        var worker = WorkerByHand()
        for step in 0..<steps {
            let commit = Commit(
                map: 1, step: step, rate: 0.1, coefficient: 1, skipped: false, last: false,
                record: record(step, words), checkpoint: min(step, checkpoint))
            _ = worker.hear(.commit(commit))
        }
        for case .sendToCoordinator(let frame) in worker.meet(generation: 2) {
            if case .ready(let ready)? = frame.message { return (ready, EncodedFrame(frame).header.count) }
        }
        throw NotReady()
    }

    private struct NotReady: Error {}

    @Test func itHoldsAllSinceTheCheckpoint() throws {
        let steps = try ready(steps: 9, checkpoint: 4, words: 1).0.ledgerTail.map(\.outcome.step)
        #expect(steps == [4, 5, 6, 7, 8])
    }

    /// A header that is too large is dropped: the worker would never be ready, and the run wait for it for ever.
    @Test func itIsNeverTooLongForAMessage() throws {
        let (greeting, bytes) = try ready(steps: 3000, checkpoint: 0, words: 300)
        #expect(bytes <= FrameLimits().largestHeader / 2)
        let steps = greeting.ledgerTail.map(\.outcome.step)
        #expect(steps.count > 100 && steps == Array((3000 - steps.count)..<3000), "the end, without a gap")
    }
}
