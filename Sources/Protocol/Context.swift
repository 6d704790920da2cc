import CZeroMQ
public import Faults

/// The threads of ZeroMQ that move bytes, and what protects their sockets. Sockets keep their context alive.
public final class Context: @unchecked Sendable {  // a ZeroMQ context is thread-safe by its documentation
    let handle: UnsafeMutableRawPointer
    let security: Security
    let gatekeeper: Gatekeeper?

    /// - Parameters:
    ///   - security: Of all its sockets.
    ///   - threads: threads that move bytes; one serves about 10 Gb/s, and far less with keys (docs/operations.md).
    /// - Throws: `Fault.usage` when there are keys, and ZeroMQ cannot use them.
    public init(security: Security = .loopback, threads: Int = 1) throws(Fault) {
        if security.keys != nil { try ZeroMQLibrary.requireCurve() }
        guard let handle = zmq_ctx_new() else { throw zeroMQFault("ZeroMQ", "start", zmq_errno()) }
        zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(threads))
        zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, 8192)
        do throws(Fault) {
            gatekeeper = try security.keys.map { keys throws(Fault) in
                try Gatekeeper(context: handle, allowed: keys.allowed)
            }
        } catch {
            zmq_ctx_term(handle)
            throw error
        }
        self.handle = handle
        self.security = security
    }

    deinit {
        // All sockets but the gatekeeper's are closed; what they still have to send they send all the same.
        zmq_ctx_shutdown(handle)
        gatekeeper?.join()
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }
}

/// The fault of a call to ZeroMQ about `thing`, an endpoint.
func zeroMQFault(_ thing: String, _ doing: String, _ number: Int32) -> Fault {
    let text = zmq_strerror(number).map { String(cString: $0) } ?? "error \(number)"
    let reason = "cannot \(doing): \(text)"
    switch number {
    case EADDRINUSE:
        return Fault(
            .usage, thing, "cannot \(doing): the port is in use",
            mend: "stop the process that listens there, or choose another port (0 takes a free one)")
    case EADDRNOTAVAIL, ENODEV:
        // Not yet, perhaps: at boot addresses come late.
        return Fault(
            .stoppedEarly, thing, "cannot \(doing): no network interface of this machine has that address",
            mend: "use one of its own addresses; 127.0.0.1 serves a single machine")
    case EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO:
        return Fault(.usage, thing, reason, mend: "an address looks like tcp://HOST:PORT")
    case EACCES: return Fault(.usage, thing, reason, mend: "ports below 1024 need privileges")
    case EMFILE: return Fault(.usage, thing, reason, mend: "raise the limit of open files (ulimit -n)")
    default: return Fault(.internal, thing, reason)
    }
}
