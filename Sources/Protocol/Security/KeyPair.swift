import CZeroMQ
import Faults

/// Who a process of a cluster is: each role has a key pair of the job's.
public enum Role: String, Sendable, CaseIterable {
    case coordinator, worker
    /// Whoever asks for `status`, `drain` and `stop`.
    case `operator`
}

/// The public half of a Curve25519 key pair, 32 bytes.
struct PublicKey: Hashable, Sendable {
    let bytes: [UInt8]

    /// Nil for anything but 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }
}

/// A Curve25519 key pair. Printing it shows nothing of it: neither a log nor a crash report may hold a secret.
struct KeyPair: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let publicKey: PublicKey
    /// 32 bytes.
    let secret: [UInt8]

    /// A new one, from the system's random numbers.
    static func random() throws(Fault) -> KeyPair {
        var (open, secret) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_curve_keypair(&open, &secret) == 0, let bytes = Z85.decode(secret.dropLast().map(UInt8.init)),
            let pair = KeyPair(secret: bytes)
        else { throw zeroMQFault("keys", "make a key pair", zmq_errno()) }
        return pair
    }

    /// Nil for anything but the 32 bytes of a secret key.
    init?(secret: [UInt8]) {
        guard let text = Z85.encode(secret) else { return nil }
        var open = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&open, text.map { CChar(bitPattern: $0) } + [0]) == 0,
            let bytes = Z85.decode(open.dropLast().map { UInt8(bitPattern: $0) }), let key = PublicKey(bytes: bytes)
        else { return nil }
        publicKey = key
        self.secret = secret
    }

    var description: String { "a key pair" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// ZeroMQ's text form of keys (RFC 32): 40 letters for 32 bytes.
enum Z85 {
    /// Nil for anything but the text of 32 bytes.
    static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count == 40, !text.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, text.map { CChar(bitPattern: $0) } + [0]) == nil ? nil : bytes
    }

    /// Nil for anything but 32 bytes.
    static func encode(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        return text.dropLast().map { UInt8(bitPattern: $0) }
    }
}
