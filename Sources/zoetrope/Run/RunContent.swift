import Clips
import Storage

/// The files of the run's data set, as the coordinator gives them to workers that do not have it.
struct RunContent: Sendable {
    /// The text of `dataset.toml`.
    let description: String
    let manifestBytes: Int
    private let paths: [Digest: String]

    /// - Parameter others: Files beside the set's that they may have, by their digests.
    init(_ set: PackedSet, others: [Digest: String] = [:]) {
        description = set.description.text
        manifestBytes = set.files[0].byteCount
        paths = Dictionary(
            set.files.compactMap { file in set.path(of: file.digest).map { (file.digest, $0) } },
            uniquingKeysWith: { first, _ in first }
        ).merging(others) { first, _ in first }
    }

    /// The file with that SHA-256, if it is one of these.
    func path(of digest: [UInt8]) -> String? { Digest(bytes: digest).flatMap { paths[$0] } }
}
