package import Faults
internal import Foundation
internal import Protocol
internal import Threads

/// Decodes clips on threads of its own, ahead of the computation: positions are asked for in the order they will be
/// needed and taken one by one.
///
/// What is decoded for nothing (a lease that was revoked) is dropped when the room is needed. A position that nobody
/// decoded yet is decoded by whoever takes it, so that no order of calls can block for ever. None of it changes a bit.
package final class DecodeAhead<Clip: Sendable>: @unchecked Sendable {  // state is touched under the lock only
    private enum Place {
        case waiting
        case decoding
        case done(Result<Clip, Fault>)
    }

    private let condition = NSCondition()
    private var places: [UInt64: Place] = [:]
    private var steps: [UInt64: Int] = [:]
    /// Positions in the order they were asked for, decoded or not.
    private var order: [UInt64] = []
    private var isClosed = false
    private var threads: [DedicatedThread] = []
    private var capacity: Int
    private let decodeInline: (UInt64) -> Result<Clip, Fault>
    private let clock = MonotonicClock()
    private var spent = DecodingTimes()

    /// - Parameters:
    ///   - capacity: Most clips that are kept decoded.
    ///   - makeDecoder: Makes a decoder; each thread has its own, and so has the thread that takes.
    package init(
        threads count: Int, capacity: Int,
        makeDecoder: () -> @Sendable (UInt64) -> Result<Clip, Fault>
    ) {
        self.capacity = capacity
        decodeInline = makeDecoder()
        for number in 0..<count {
            let decode = makeDecoder()
            threads.append(
                DedicatedThread(name: "decode \(number)") { [weak self] in
                    while let position = self?.next() {
                        let began = self?.clock.now ?? 0
                        let clip = decode(position)
                        self?.finish(position, clip, began: began)
                    }
                })
        }
    }

    /// Clips that wait decoded.
    package var decodedCount: Int { locked { places.values.count { if case .done = $0 { true } else { false } } } }

    /// What clips have cost so far.
    package var times: DecodingTimes { locked { spent } }

    /// These positions of `step` come next, after those asked for before. What was asked for more than a step away and
    /// never taken is dropped: a lease was revoked, or the run rolled back.
    /// - Parameter capacity: Most clips that are kept decoded from now on; `nil`: as before.
    package func prefetch(_ positions: some Sequence<UInt64>, step: Int, capacity: Int? = nil) {
        locked {
            self.capacity = capacity ?? self.capacity
            for stale in order where abs((steps[stale] ?? step) - step) > 1 { forget(stale) }
            for position in positions where places[position] == nil {
                places[position] = .waiting
                steps[position] = step
                order.append(position)
            }
            condition.broadcast()
        }
    }

    /// The clip at `position`; waits for it, or decodes it here when nobody has begun.
    package func take(_ position: UInt64) -> Result<Clip, Fault> {
        condition.lock()
        let began = clock.now
        while case .decoding = places[position] { condition.wait() }
        let place = places[position]
        forget(position)
        spent.awaited += clock.now - began
        condition.broadcast()
        condition.unlock()
        if case .done(let result) = place { return result }
        let started = clock.now
        let clip = decodeInline(position)
        let seconds = clock.now - started
        locked {
            spent.awaited += seconds
            spent.busy += seconds
        }
        return clip
    }

    /// Ends the threads. Whoever waits in `take` gets what is being decoded.
    package func close() {
        locked {
            isClosed = true
            condition.broadcast()
        }
        for thread in threads { thread.join() }
    }

    private func next() -> UInt64? {
        condition.lock()
        defer { condition.unlock() }
        while !isClosed {
            let busy = places.values.count { if case .waiting = $0 { false } else { true } }
            if busy < capacity,
                let position = order.first(where: { if case .waiting = places[$0] { true } else { false } })
            {
                places[position] = .decoding
                return position
            }
            // The room is full of clips that were asked for earlier than anything that waits: drop none, wait.
            condition.wait()
        }
        return nil
    }

    private func finish(_ position: UInt64, _ result: Result<Clip, Fault>, began: Double) {
        locked {
            spent.busy += clock.now - began
            // Forgotten meanwhile: nobody will take it.
            if case .decoding = places[position] { places[position] = .done(result) }
            condition.broadcast()
        }
    }

    private func forget(_ position: UInt64) {
        places[position] = nil
        steps[position] = nil
        if let index = order.firstIndex(of: position) { order.remove(at: index) }
    }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }
}
