public import Clips
import Faults
public import Storage

/// What a worker of a test needs to know.
public struct TestAssignment: Sendable, Equatable {
    /// The whole recipe, as TOML.
    public var recipe: String
    /// The videos, and the digest of the set that they are.
    public var data: OfferedSplit
    public var dataDigest: String
    /// The checkpoint's file; its name is its path where the coordinator has it.
    public var checkpoint: CachedFile
    public var viewsAtOnce: Int
    public var allowsUnexpected: Bool

    public init(
        recipe: String, data: OfferedSplit, dataDigest: String, checkpoint: CachedFile, viewsAtOnce: Int,
        allowsUnexpected: Bool
    ) {
        (self.recipe, self.data, self.dataDigest, self.checkpoint) = (recipe, data, dataDigest, checkpoint)
        (self.viewsAtOnce, self.allowsUnexpected) = (viewsAtOnce, allowsUnexpected)
    }

    static let textCount = 7

    var texts: [String] {
        [
            recipe, data.directory, data.split, data.description, dataDigest, checkpoint.name,
            "\(checkpoint.digest)",
        ]
    }

    /// - Parameter texts: `textCount` of them.
    /// - Throws: a data `Fault` for a digest that is none.
    init(
        _ texts: [String], viewsAtOnce: Int, allowsUnexpected: Bool, manifestBytes: Int, checkpointBytes: Int
    ) throws(Fault) {
        guard let digest = Digest(hexadecimal: texts[6]) else {
            throw Fault(.data, "message", "has no digest of the checkpoint")
        }
        self.init(
            recipe: texts[0],
            data: OfferedSplit(
                directory: texts[1], split: texts[2], description: texts[3], manifestBytes: manifestBytes),
            dataDigest: texts[4], checkpoint: CachedFile(digest: digest, byteCount: checkpointBytes, name: texts[5]),
            viewsAtOnce: viewsAtOnce, allowsUnexpected: allowsUnexpected)
    }
}
