public import Faults
import Video

/// A video that views are cut from: one of a set, or a file of its own.
public struct ViewedVideo: Sendable {
    private enum Source: Sendable {
        case packed(PackedSet, rank: Int)
        case loose(load: @Sendable () throws -> [UInt8])
    }

    public let name: String
    /// The number of its class; `nil` where nobody tells.
    public let label: Int?
    /// The number that its list gives it.
    public let videoID: Int?
    private let listedStart: Int?
    private let source: Source

    /// The video at `rank` of a set.
    public init(_ set: PackedSet, rank: Int) {
        let record = set.records[rank]
        (name, label, videoID, listedStart) = (record.name, record.label, record.videoID, record.startFrame)
        source = .packed(set, rank: rank)
    }

    /// A file of its own.
    /// - Parameter load: its bytes, fetched when the views are, on the thread that decodes them.
    public init(name: String, load: @escaping @Sendable () throws -> [UInt8]) {
        (self.name, label, videoID, listedStart) = (name, nil, nil, nil)
        source = .loose(load: load)
    }

    /// Decodes the video once for all views of a test.
    ///
    /// - Parameters:
    ///   - begin: called with what is to come, before anything of it.
    ///   - view: gets each view by its number in the plan, in the order in which their frames are there.
    /// - Returns: `nil`, or why the video has no views to give: it cannot be read, does not decode, or is too short. What
    ///   `view` was given before is then of no use.
    /// - Throws: a data `Fault` when the digest of a set's video is wrong, which is an error of the disk; what the closures
    ///   throw.
    public func decodeViews(
        _ settings: ViewSettings, begin: (VideoPlan, VideoFacts) throws -> Void,
        view: (_ number: Int, ViewPixels) throws -> Void
    ) throws -> Fault? {
        func ours(_ body: () throws -> Void) throws {
            do { try body() } catch { throw Interruption(cause: error) }
        }
        do {
            return try open { video in
                let facts = VideoFacts(video, listedStart: listedStart)
                let plan = VideoPlan(settings, facts)
                guard !plan.views.isEmpty else {
                    throw settings.starts == .listed
                        ? Fault(.data, name, "no views: its list has no start frame for it")
                        : Fault(
                            .data, name,
                            "no views: it has \(facts.frameCount) frames, and a clip needs \(settings.span)",
                            mend: "test.repeat_short = true begins short videos again")
                }
                try ours { try begin(plan, facts) }
                try video.decode(plan, settings) { number, pixels in try ours { try view(number, pixels) } }
            }
        } catch let interruption as Interruption { throw interruption.cause }
    }

    /// What a closure threw: not to be taken for a fault of the video.
    private struct Interruption: Error {
        let cause: any Error
    }

    /// - Returns: the content error of the video that opening it or `body` ended with.
    private func open(_ body: (VideoReader) throws -> Void) throws -> Fault? {
        func content(_ body: () throws -> Void) throws -> Fault? {
            do { try body() } catch let fault as Fault { return fault }
            return nil
        }
        switch source {
        case .packed(let set, let rank):
            let record = set.records[rank]
            return try set.withVideo(at: rank) { bytes in
                try content {
                    let video = try VideoReader(bytes, name: name, access: record.access)
                    guard video.frameCount == record.frameCount else {
                        throw Fault(.data, name, "has \(video.frameCount) frames and its record \(record.frameCount)")
                    }
                    try body(video)
                }
            }
        case .loose(let load):
            return try content { try body(try load().withUnsafeBytes { try VideoReader($0, name: name) }) }
        }
    }
}
