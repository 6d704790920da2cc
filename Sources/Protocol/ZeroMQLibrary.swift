internal import CZeroMQ

/// The ZeroMQ that is loaded.
public enum ZeroMQLibrary {
    public static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
