import Clips
import Faults
import Foundation
import Threads

/// The views of a video, decoded on a thread of its own while those before go through the network.
///
/// A few views wait at most, each with the frames that it shares with the others: memory does not grow with the video.
final class ViewsAhead: Sendable {
    /// What there is of a video, in this order.
    enum Event: Sendable {
        case begun(VideoPlan, VideoFacts)
        case view(number: Int, ViewPixels)
        /// Nothing comes behind it. `nil`, or why the video has no views to give.
        case ended(Fault?)
    }

    private let queue: Queue
    private let thread: DedicatedThread

    /// Begins to decode.
    init(_ video: ViewedVideo, _ settings: ViewSettings) {
        let queue = Queue()
        self.queue = queue
        thread = DedicatedThread(name: "views") {
            do {
                let problem = try video.decodeViews(settings) { plan, facts in
                    try queue.put(.begun(plan, facts))
                } view: { number, pixels in
                    try queue.put(.view(number: number, pixels))
                }
                try queue.put(.ended(problem))
            } catch {
                queue.fail(error)
            }
        }
    }

    /// Waits for the next of them.
    /// - Throws: a `Fault` about the disk.
    func next() throws -> Event { try queue.take() }

    /// Decodes no further, and waits until the thread is gone.
    func stop() {
        queue.close()
        thread.join()
    }

    /// Nobody asks for more.
    private struct Closed: Error {}

    private final class Queue: @unchecked Sendable {  // its state is touched under the condition's lock only
        private static let limit = 2

        private let condition = NSCondition()
        private var events: [Event] = []
        private var failure: (any Error)?
        private var isClosed = false

        func put(_ event: Event) throws {
            condition.lock()
            defer { condition.unlock() }
            while events.count >= Self.limit, !isClosed { condition.wait() }
            guard !isClosed else { throw Closed() }
            events.append(event)
            condition.broadcast()
        }

        func fail(_ error: any Error) {
            condition.lock()
            defer { condition.unlock() }
            failure = error
            condition.broadcast()
        }

        func take() throws -> Event {
            condition.lock()
            defer { condition.unlock() }
            while events.isEmpty {
                if let failure { throw failure }
                condition.wait()
            }
            defer { condition.broadcast() }
            return events.removeFirst()
        }

        func close() {
            condition.lock()
            defer { condition.unlock() }
            isClosed = true
            condition.broadcast()
        }
    }
}
