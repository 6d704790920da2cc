/// What becomes of an entry of an archive that somebody else made: a pure rule over what its header claims.
///
/// Archives of one set are laid out in several ways (`./ID.mp4`, `home/somebody/train/ID.mp4`, a folder for each class,
/// files that a Mac leaves), so only the last part of a name counts. A name that tries to leave the folder, a link or a
/// device has no place in an archive of videos: such an archive is not what it says it is, and nothing of it is taken.
public enum EntryRules {
    public enum Kind: Sendable, Equatable { case file, folder, link, special }

    public enum Verdict: Sendable, Equatable {
        /// Under this name, without a folder.
        case take(String)
        /// Why not.
        case skip(String)
        /// Why the whole archive is refused.
        case refuse(String)
    }

    /// Bytes of one video: 10 s of 4K at any rate that makes sense stay below.
    public static let mostBytes = 2 << 30
    /// Entries of one archive: a split of Kinetics has a quarter of a million.
    public static let mostEntries = 1 << 20
    /// Bytes of one archive, expanded.
    public static let mostArchiveBytes = 64 << 30
    /// Bytes in the holes of an archive's sparse files, beside as many as it holds: without an end to them a small archive
    /// could fill any disk.
    static let mostHoleBytes = 64 << 20

    static let videoSuffixes: Set<String> = ["mp4", "mkv", "webm", "avi", "mov", "m4v", "flv", "3gp"]

    /// - Parameter name: the bytes in the header; `nil` when there are none.
    public static func verdict(name: [UInt8]?, kind: Kind, size: Int) -> Verdict {
        guard let name, !name.isEmpty else { return .refuse("an entry has no name") }
        guard let text = String(validating: name, as: UTF8.self) else {
            return .refuse("the name of an entry is not UTF-8")
        }
        let shown = "'\(printable(text))'"
        let parts = text.split(separator: "/")
        guard !text.hasPrefix("/"), !parts.contains("..") else { return .refuse("\(shown) would leave the folder") }
        switch kind {
        case .link: return .refuse("\(shown) is a link")
        case .special: return .refuse("\(shown) is neither a file nor a folder")
        case .folder: return .skip("a folder")
        case .file: break
        }
        guard (0...mostBytes).contains(size) else { return .refuse("\(shown) claims \(size) bytes") }
        guard let last = parts.last, !text.hasSuffix("/") else { return .refuse("\(shown) is no name for a file") }
        if last.hasPrefix("._") || last == ".DS_Store" || parts.contains("__MACOSX") { return .skip("left by a Mac") }
        guard isPlainName(last) else { return .refuse("\(shown) is no name for a file") }
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex,
            videoSuffixes.contains(last[last.index(after: dot)...].lowercased())
        else { return .skip("no video by its name") }
        return size == 0 ? .skip("empty") : .take(String(last))
    }

    /// A name as a terminal may show it.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
