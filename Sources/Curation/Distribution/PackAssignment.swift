import Faults

/// What a packing asks of those who help it.
public struct PackAssignment: Sendable, Equatable {
    /// The profile's name, as in `--profile`: `keep`, or one that videos are written anew in.
    public var profile: String
    /// Of the pictures that are written, in pixels; 0 with `keep`.
    public var shortSide: Int
    /// The profile in its own words, which change when its bytes do.
    public var description: String
    /// Seconds that one video may take.
    public var seconds: Double
    /// SHA-256 of what this machine makes of the trial video, in hexadecimal: whoever makes something else of it has other
    /// libraries. Empty where nothing is written.
    public var trial: String

    public init(profile: String, shortSide: Int, description: String, seconds: Double, trial: String) {
        (self.profile, self.shortSide, self.description) = (profile, shortSide, description)
        (self.seconds, self.trial) = (seconds, trial)
    }

    /// What a worker must agree with before it gets a video.
    /// - Throws: a usage `Fault` about the worker that names both and the mend.
    func check(trial other: String, of worker: String) throws(Fault) {
        guard other == trial else {
            throw Fault(
                .usage, worker,
                "writes the trial video as \(other), the packing as \(trial): its encoder is another, so its videos would be",
                mend: "install the same FFmpeg and x264 on both")
        }
    }
}

/// What somebody who wants to help is.
public struct PackHelper: Sendable, Equatable {
    public var name: String
    /// Of `VideoLibraries.versions`.
    public var libraries: String
    /// Videos that it takes at a time.
    public var capacity: Int

    public init(name: String, libraries: String, capacity: Int) {
        (self.name, self.libraries, self.capacity) = (name, libraries, capacity)
    }

    /// - Throws: a usage `Fault` about the worker that names both and the mend.
    func check(version: Int, libraries ours: String) throws(Fault) {
        guard version == PackMessage.version else {
            throw Fault(
                .usage, name,
                "speaks version \(version) of the packing's protocol, the packing version \(PackMessage.version)",
                mend: "install the same release on both")
        }
        guard libraries == ours else {
            throw Fault(
                .usage, name, "has \(libraries), the packing \(ours), and what a video is depends on them",
                mend: "install the same FFmpeg on both")
        }
    }
}
