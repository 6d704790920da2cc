internal import CZeroMQ
public import Faults
import Glibc

/// The ZeroMQ that is loaded.
public enum ZeroMQLibrary {
    public static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// - Throws: `Fault.usage` when it has no CURVE, or one that is built on tweetnacl, which is some thirty times
    ///   slower than libsodium.
    public static func requireCurve() throws(Fault) {
        guard zmq_has("curve") == 1 else {
            throw Fault(
                .usage, "ZeroMQ \(version)", "was built without CURVE",
                mend: "install one that is built with libsodium, such as Debian's libzmq5")
        }
        guard usesSodium else {
            throw Fault(
                .usage, "ZeroMQ \(version)", "encrypts with tweetnacl, far too slowly to train over",
                mend: "install one that is built with libsodium, such as Debian's libzmq5")
        }
    }

    /// libsodium is loaded beside it; where it may have been linked into ZeroMQ itself, its speed tells: a public key
    /// takes it some 30 microseconds, and tweetnacl near a millisecond.
    private static let usesSodium: Bool = {
        if dlsym(nil, "sodium_init") != nil { return true }
        guard let pair = try? KeyPair.random() else { return false }
        let clock = ContinuousClock()
        let quickest = (0..<10).map { _ in clock.measure { _ = KeyPair(secret: pair.secret) } }.min()
        return (quickest ?? .seconds(1)) < .microseconds(300)
    }()
}
