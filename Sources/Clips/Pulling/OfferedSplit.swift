/// What whoever leads says of a split of its data set: enough to find the same one on another machine, or to pull it.
public struct OfferedSplit: Sendable, Equatable {
    /// The data set's folder, as who leads sees it.
    public var directory: String
    /// `train`, `val` or `test`.
    public var split: String
    /// The text of `dataset.toml`; empty: there is nothing to pull.
    public var description: String
    /// Bytes of the manifest whose digest stands there.
    public var manifestBytes: Int

    public init(directory: String, split: String, description: String, manifestBytes: Int) {
        (self.directory, self.split) = (directory, split)
        (self.description, self.manifestBytes) = (description, manifestBytes)
    }
}
