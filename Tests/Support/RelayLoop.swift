import Glibc
import Synchronization

/// One direction of a connection.
private struct Stream {
    let from: Int32
    let to: Int32
    /// What was read and is not yet written, and when it is due.
    var queue: [(due: Double, bytes: ArraySlice<UInt8>)] = []
    var waiting = 0
    var hasEnded = false
    var hasPassedEnd = false
    var hasLost = false
}

/// The thread of a relay: sockets that never block, and one poll for all.
final class RelayLoop: @unchecked Sendable {  // made by one thread, then handed whole to the one that runs it
    private let listener: Int32
    private let wake: Int32
    private let control: TCPRelay.Control
    private var pairs: [(forward: Stream, backward: Stream)] = []
    /// Accepted while nothing passed: they have no other end yet.
    private var unanswered: [Int32] = []
    private var cuts = 0
    private var random: UInt64
    private var budget: (forward: Double, backward: Double) = (0, 0)
    private var refilled = 0.0

    init(listener: Int32, wake: Int32, control: TCPRelay.Control, seed: UInt64) {
        self.listener = listener
        self.wake = wake
        self.control = control
        random = seed | 1
    }

    func run() {
        while true {
            let state = control.state.withLock { $0 }
            if state.isStopped { break }
            if state.cuts != cuts {
                cuts = state.cuts
                closeAll()
            }
            let now = seconds()
            let behaviour = state.behaviour
            refill(behaviour, now)
            let isHalfOpen = behaviour.forward == .hold && behaviour.backward == .hold
            accept(state, answer: !isHalfOpen)
            for index in pairs.indices.reversed() {
                var pair = pairs[index]
                let lives =
                    pump(&pair.forward, behaviour.forward, behaviour, &budget.forward, now)
                    && pump(&pair.backward, behaviour.backward, behaviour, &budget.backward, now)
                pairs[index] = pair
                if !lives || pair.forward.hasPassedEnd && pair.backward.hasPassedEnd {
                    close(pair.forward.from)
                    close(pair.forward.to)
                    pairs.remove(at: index)
                }
            }
            wait(behaviour)
        }
        closeAll()
        close(listener)
        close(wake)
    }

    private func refill(_ behaviour: TCPRelay.Behaviour, _ now: Double) {
        let passed = min(0.1, now - refilled)
        refilled = now
        guard let rate = behaviour.bytesPerSecond else {
            budget = (.infinity, .infinity)
            return
        }
        // A tenth of a second may be saved up.
        budget.forward = min(rate / 10, (budget.forward.isFinite ? budget.forward : 0) + rate * passed)
        budget.backward = min(rate / 10, (budget.backward.isFinite ? budget.backward : 0) + rate * passed)
    }

    private func accept(_ state: TCPRelay.Control.State, answer: Bool) {
        while true {
            let incoming = Glibc.accept(listener, nil, nil)
            guard incoming >= 0 else { break }
            _ = setNonBlocking(incoming)
            control.state.withLock { $0.connections += 1 }
            unanswered.append(incoming)
        }
        guard answer else { return }
        for incoming in unanswered {
            let outgoing = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = loopback(port: state.target)
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(outgoing, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard connected, setNonBlocking(outgoing) else {
                close(outgoing)
                close(incoming)
                continue
            }
            pairs.append((Stream(from: incoming, to: outgoing), Stream(from: outgoing, to: incoming)))
        }
        unanswered = []
    }

    /// Reads what may be read and writes what is due.
    /// - Returns: Whether the connection lives.
    private func pump(
        _ stream: inout Stream, _ flow: TCPRelay.Flow, _ behaviour: TCPRelay.Behaviour, _ budget: inout Double,
        _ now: Double
    ) -> Bool {
        if flow == .pass, stream.hasLost { return false }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while flow != .hold, !stream.hasEnded, stream.waiting < 1 << 20 {
            let count = recv(stream.from, &buffer, buffer.count, 0)
            if count > 0 {
                if flow == .drop {
                    stream.hasLost = true
                    continue
                }
                // Behind `now` the bytes may have waited, which is no delay of theirs.
                let due = max(seconds() + delay(behaviour), stream.queue.last?.due ?? 0)
                stream.queue.append((due, buffer[..<count]))
                stream.waiting += count
            } else if count == 0 {
                stream.hasEnded = true
            } else if errno == EAGAIN {
                break
            } else {
                return false
            }
        }
        while flow == .pass, let next = stream.queue.first, next.due <= now, budget >= 1 {
            let wanted = Int(min(Double(next.bytes.count), budget))
            let count = next.bytes.withUnsafeBytes {
                send(stream.to, $0.baseAddress, wanted, Int32(MSG_NOSIGNAL))
            }
            guard count >= 0 else { return errno == EAGAIN }
            budget -= Double(count)
            stream.waiting -= count
            control.state.withLock { $0.forwarded += count }
            if count == next.bytes.count {
                stream.queue.removeFirst()
            } else {
                stream.queue[0].bytes = next.bytes.dropFirst(count)
                break
            }
        }
        if stream.hasEnded, stream.queue.isEmpty, !stream.hasPassedEnd, flow == .pass {
            shutdown(stream.to, Int32(SHUT_WR))
            stream.hasPassedEnd = true
        }
        return true
    }

    private func delay(_ behaviour: TCPRelay.Behaviour) -> Double {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        let part = Double(random >> 11) * 0x1p-53
        return behaviour.delay.lowerBound + part * (behaviour.delay.upperBound - behaviour.delay.lowerBound)
    }

    private func wait(_ behaviour: TCPRelay.Behaviour) {
        var watched = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        watched.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
        var isDelayed = false
        for pair in pairs {
            for (stream, flow) in [(pair.forward, behaviour.forward), (pair.backward, behaviour.backward)] {
                if flow != .hold, !stream.hasEnded, stream.waiting < 1 << 20 {
                    watched.append(pollfd(fd: stream.from, events: Int16(POLLIN), revents: 0))
                }
                if flow == .pass, !stream.queue.isEmpty { isDelayed = true }
            }
        }
        poll(&watched, nfds_t(watched.count), isDelayed ? 1 : 1000)
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        while read(wake, &bytes, bytes.count) > 0 {}
    }

    private func closeAll() {
        for pair in pairs {
            close(pair.forward.from)
            close(pair.forward.to)
        }
        for incoming in unanswered { close(incoming) }
        (pairs, unanswered) = ([], [])
    }
}

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
