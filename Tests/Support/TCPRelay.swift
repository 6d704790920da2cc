package import Glibc
import Synchronization

/// A TCP relay in a thread of its own that misbehaves as told: what a network does where the kernel has no netem.
///
/// Both directions of a connection have a behaviour of their own. Bytes that pass keep their order.
public final class TCPRelay: Sendable {
    /// What becomes of the bytes of one direction.
    public enum Flow: Sendable, Equatable {
        case pass
        /// Nothing is read: the sender's buffers fill, and all of it arrives when the flow passes again.
        case hold
        /// Read and thrown away; a connection that has lost bytes is broken off when the flow passes again.
        case drop
    }

    public struct Behaviour: Sendable {
        /// From whoever connects to the target, and back.
        public var forward = Flow.pass
        public var backward = Flow.pass
        /// Seconds that each piece of a stream takes longer, drawn evenly from the range.
        public var delay: ClosedRange<Double> = 0...0
        /// Of each direction, over all connections; `nil`: as fast as it goes.
        public var bytesPerSecond: Double?

        public init() {}

        /// Connections are accepted and nothing is ever forwarded, nor ended: half-open for both ends.
        public static var halfOpen: Behaviour {
            var behaviour = Behaviour()
            behaviour.forward = .hold
            behaviour.backward = .hold
            return behaviour
        }
    }

    /// Where it listens, on 127.0.0.1.
    public let port: Int
    private let control: Control
    /// A byte wakes the loop.
    private let wake: Int32

    final class Control: Sendable {
        struct State: Sendable {
            var behaviour = Behaviour()
            var target: Int
            var cuts = 0
            var isStopped = false
            var forwarded = 0
            var connections = 0
        }
        let state: Mutex<State>
        init(target: Int) { state = Mutex(State(target: target)) }
    }

    /// - Parameters:
    ///   - target: A port of 127.0.0.1.
    ///   - seed: Of the delays.
    /// - Throws: `RelayError` when the system gives no sockets.
    public init(to target: Int, seed: UInt64 = 1) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var ends: [Int32] = [0, 0]
        guard listener >= 0, pipe(&ends) == 0, ends.allSatisfy(setNonBlocking) else { throw RelayError(errno) }
        wake = ends[1]
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound, setNonBlocking(listener) else { throw RelayError(errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        control = Control(target: target)
        let loop = RelayLoop(listener: listener, wake: ends[0], control: control, seed: seed)
        try startThread { loop.run() }
    }

    public func set(_ behaviour: Behaviour) { change { $0.behaviour = behaviour } }

    /// New connections go to another port; those that are there stay.
    public func retarget(to port: Int) { change { $0.target = port } }

    /// Breaks every connection off.
    public func cut() { change { $0.cuts += 1 } }

    /// Ends the relay, connections and all.
    public func stop() { change { $0.isStopped = true } }

    /// Bytes that went through, and connections that were accepted.
    public var traffic: (bytes: Int, connections: Int) {
        control.state.withLock { ($0.forwarded, $0.connections) }
    }

    private func change(_ body: (inout Control.State) -> Void) {
        control.state.withLock { if !$0.isStopped { body(&$0) } }
        var byte: UInt8 = 1
        _ = write(wake, &byte, 1)
    }
}

public struct RelayError: Error, CustomStringConvertible {
    public let description: String
    init(_ number: Int32) { description = "the relay: " + String(cString: strerror(number)) }
}

/// 127.0.0.1.
package func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

func setNonBlocking(_ file: Int32) -> Bool { fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK) == 0 }

/// A detached thread.
package func startThread(_ body: @escaping @Sendable () -> Void) throws {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let status = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard status == 0 else {
        box.release()
        throw RelayError(status)
    }
    pthread_detach(thread)
}
