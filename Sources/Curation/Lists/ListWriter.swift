public import Faults
import Storage

/// The form in which lists are written.
public enum ListFormat: String, Sendable, CaseIterable {
    /// `org_video,label,id,class`, and `start_frm` and `video_id` where the annotations have them.
    case ours
    /// PySlowFast's `path label`, without a header.
    case slowfast
    /// VMZ's `org_video,label,start_frm,video_id`.
    case vmz
}

/// Writes lists so that their readers read what was meant.
public struct ListWriter {
    public var format: ListFormat
    /// Between path and label, for PySlowFast (its `DATA.PATH_LABEL_SEPARATOR`).
    public var separator: Character = " "
    /// Write paths below the searched folder (PySlowFast's `DATA.PATH_PREFIX` is that folder then).
    public var relative = false

    public init(format: ListFormat) { self.format = format }

    /// The list of one split.
    /// - Throws: a data `Fault` that names the first video whose path the format cannot hold.
    public func text(_ videos: [ListedVideo], classes: ClassList) throws(Fault) -> String {
        var out = ""
        let starts = format == .vmz || videos.contains { $0.startFrame != nil }
        let numbers = format == .vmz || videos.contains { $0.videoID != nil }
        switch format {
        case .slowfast: break
        case .vmz: out = "org_video,label,start_frm,video_id\n"
        case .ours: out = "org_video,label,id,class\(starts ? ",start_frm" : "")\(numbers ? ",video_id" : "")\n"
        }
        for (i, video) in videos.enumerated() {
            let path = relative ? video.name : video.path
            guard !path.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" }) else {
                throw Fault(.data, "\(video.place)", "'\(path)' has a line end in its name", mend: "rename the file")
            }
            switch format {
            case .slowfast:
                guard !path.contains(separator) else {
                    throw Fault(
                        .data, "\(video.place)",
                        "'\(path)' holds the separator '\(separator)', where PySlowFast would cut it",
                        mend: "choose another --separator and set DATA.PATH_LABEL_SEPARATOR, or use --relative")
                }
                out += "\(path)\(separator)\(video.label)\n"
            case .vmz:
                out += "\(Self.quoted(path)),\(video.label),\(video.startFrame ?? 0),\(video.videoID ?? i)\n"
            case .ours:
                out += "\(Self.quoted(path)),\(video.label),\(Self.quoted(video.id)),"
                out += Self.quoted(classes.names[video.label])
                if starts { out += "," + (video.startFrame.map(String.init) ?? "") }
                if numbers { out += "," + (video.videoID.map(String.init) ?? "") }
                out += "\n"
            }
        }
        return out
    }

    /// Writes `train.csv`, `val.csv` and `test.csv` (those that hold videos), the classes, `coverage.tsv` and
    /// `problems.tsv`; every file whole or not at all.
    /// - Returns: the paths of the lists.
    /// - Throws: a `Fault` when a path does not fit, when the list of a split that has no videos here or other classes are
    ///   there, or the disk fails.
    public func write(_ lists: VideoLists, into directory: String) throws(Fault) -> [String] {
        var texts: [(path: String, text: String)] = []
        for split in Split.allCases {
            let path = "\(directory)/\(split).csv"
            guard let videos = lists.videos[split], !videos.isEmpty else {
                // Beside new lists it would be taken for one of them; and it may be somebody's only one.
                guard !pathExists(path) else {
                    throw Fault(
                        .usage, path, "is there already, and these annotations have no video for \(split)",
                        mend: "remove it if it is an earlier run's, or name another folder with --out")
                }
                continue
            }
            texts.append((path, try text(videos, classes: lists.classes)))
        }
        try makeDirectories(directory)
        try lists.classes.save(in: directory)
        try writeWhole(Self.coverage(lists), to: directory + "/coverage.tsv")
        try writeWhole(Self.problems(lists.problems), to: directory + "/problems.tsv")
        for list in texts { try writeWhole(list.text, to: list.path) }
        return texts.map(\.path)
    }

    private static func coverage(_ lists: VideoLists) -> String {
        var out = "split\tclass\tlisted\tpresent\n"
        for split in Split.allCases {
            guard let coverage = lists.coverage[split] else { continue }
            for (label, name) in lists.classes.names.enumerated() {
                out += "\(split)\t\(tabless(name))\t\(coverage.listed[label])\t\(coverage.present[label])\n"
            }
        }
        return out
    }

    private static func problems(_ problems: [ListProblem]) -> String {
        "where\tkind\treason\n"
            + problems.map { "\(tabless($0.place.description))\t\($0.kind.rawValue)\t\(tabless($0.reason))\n" }.joined()
    }

    /// As a field of RFC 4180.
    static func quoted(_ field: String) -> String {
        let needs =
            field.unicodeScalars.contains { "\",\r\n".unicodeScalars.contains($0) } || field.first == " "
            || field.last == " "
        return needs ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }
}

/// As a field of a file whose fields are apart by tabs.
func tabless(_ text: String) -> String {
    String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
}
