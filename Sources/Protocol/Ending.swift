/// How a coordinator or a worker ended.
public struct Ending: Sendable, Equatable {
    /// As in `sysexits.h`: 0 when the run is done (or a worker was drained), 64, 65, 70, 75.
    public var code: Int
    public var reason: String

    public init(code: Int, reason: String) {
        self.code = code
        self.reason = reason
    }
}
