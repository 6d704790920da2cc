/// An error a user can act on: what it is about, why it happened, and what would mend it.
///
/// Every error that reaches a person is a `Fault`. Its description is one line: `thing: reason; mend`.
public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    /// How the process ends when nobody catches the fault (the codes of `sysexits.h` that schedulers know).
    public enum Code: Int32, Sendable {
        /// Bad usage or configuration: trying again will not help.
        case usage = 64
        /// Bad data: a file, a video, a checkpoint or a frame from the network.
        case data = 65
        /// A defect of our own, or a process that was fenced off by a newer one.
        case `internal` = 70
        /// Stopped early on purpose or by circumstances: the same command continues.
        case stoppedEarly = 75
    }

    /// What the fault is about: a path, a flag, a key, an address.
    public let thing: String
    /// Why it is a fault.
    public let reason: String
    /// What to do about it; empty when the reason says it all.
    public let mend: String
    public let code: Code

    public init(_ code: Code, _ thing: String, _ reason: String, mend: String = "") {
        self.code = code
        self.thing = thing
        self.reason = reason
        self.mend = mend
    }

    public var description: String { "\(thing): \(reason)" + (mend.isEmpty ? "" : "; \(mend)") }
}
