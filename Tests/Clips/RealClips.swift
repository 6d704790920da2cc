import Storage
import TestSupport
import Testing

/// The real videos that this tree does not carry. Tests that need them say so where they are missing.
enum RealClips {
    static let missing: Comment = "needs ../shared/clips beside the tree, which is missing here"
    static var present: Bool { sharedClips != nil }

    static func bytes(_ name: String) throws -> [UInt8] { try readWhole(path(name)) }
    static func path(_ name: String) -> String { (sharedClips ?? "") + "/" + name }
}
