public import Storage
public import Video

/// One labelled clip of a packed set, as its manifest has it.
public struct ClipRecord: Sendable, Equatable {
    /// SHA-256 of the encoded video.
    public let digest: Digest
    public let label: Int
    /// Where its clips begin when the sampling asks the list, in frames.
    public let startFrame: Int?
    /// Counts records that are alike in all of the above, from 0.
    public let ordinal: Int
    public let videoID: Int?
    /// Bytes of the encoded video.
    public let byteCount: Int
    public let frameCount: Int
    /// Frames as seen, in pixels.
    public let width: Int
    public let height: Int
    public let access: FrameAccess
    /// Which shard holds the video.
    public let shard: Int
    /// The name in the list that it came from.
    public let name: String

    public init(
        digest: Digest, label: Int, startFrame: Int?, ordinal: Int, videoID: Int?, byteCount: Int, frameCount: Int,
        width: Int, height: Int, access: FrameAccess, shard: Int, name: String
    ) {
        self.digest = digest
        self.label = label
        self.startFrame = startFrame
        self.ordinal = ordinal
        self.videoID = videoID
        self.byteCount = byteCount
        self.frameCount = frameCount
        self.width = width
        self.height = height
        self.access = access
        self.shard = shard
        self.name = name
    }
}

extension [ClipRecord] {
    /// What names a set: SHA-256 over what training sees of its records in the order of their ranks. File names, order
    /// of the list and the cut into shards are not part of it.
    var setDigest: Digest {
        var hasher = Digest.Hasher()
        for record in self {
            let numbers = [
                record.label, record.startFrame ?? -1, record.ordinal, record.frameCount,
                record.access == .indexed ? 0 : 1,
            ]
            hasher.update(record.digest.bytes + numbers.flatMap { $0.littleEndianBytes })
        }
        return hasher.finish()
    }
}

extension Int {
    fileprivate var littleEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
    }
}
