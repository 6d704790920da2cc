/// What becomes of a key of PySlowFast or a flag of VMZ.
public enum Treatment: Sendable, Equatable {
    /// It does what it does there; in words, how it is said here.
    case honoured(String)
    /// It cannot change what comes out here, and why.
    case immaterial(String)
    /// Only these values (with none: the default) can be followed, and why. Others are refused, if they matter for what is
    /// asked: training, testing, or both.
    case limited(to: [Literal], String, during: Stage)

    public enum Stage: String, Sendable { case any, training, testing }

    /// Only the default can be followed.
    static func only(_ reason: String, during stage: Stage = .any) -> Treatment {
        .limited(to: [], reason, during: stage)
    }

    /// Only `values` can be followed, whatever the default.
    static func only(_ values: [Literal], _ reason: String, during stage: Stage = .any) -> Treatment {
        .limited(to: values, reason, during: stage)
    }
}
