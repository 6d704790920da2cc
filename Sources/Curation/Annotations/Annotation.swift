/// What a list says of one video: which it is, what it shows, and what it is for.
public struct Annotation: Sendable, Equatable {
    public enum Video: Sendable, Equatable {
        /// A clip by its name on YouTube and its seconds in the whole video.
        case clip(id: String, start: Int?, end: Int?)
        /// A file as the list has it. `anywhere`: its folder in the list need not be its folder on the disk.
        case file(String, anywhere: Bool)
    }

    public enum Label: Sendable, Equatable {
        case name(String)
        case number(Int)
        case unknown
    }

    public var video: Video
    public var label: Label
    public var split: Split?
    /// Where its clips are to begin, in frames (VMZ).
    public var startFrame: Int?
    /// VMZ's `video_id`.
    public var videoID: Int?
    public var place: Place

    public init(
        video: Video, label: Label, split: Split? = nil, startFrame: Int? = nil, videoID: Int? = nil, place: Place
    ) {
        self.video = video
        self.label = label
        self.split = split
        self.startFrame = startFrame
        self.videoID = videoID
        self.place = place
    }
}

/// A line of a file.
public struct Place: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 for the file as a whole.
    public var line: Int

    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    public var description: String { line == 0 ? file : "\(file):\(line)" }
}

/// What videos are for.
public enum Split: String, Sendable, CaseIterable, Comparable {
    case train
    case val
    case test

    /// From the words that lists use: `training`, `validate`, `holdout_test` ...
    public init?(word: String) {
        switch ClassList.unquoted(word).lowercased() {
        case "train", "training": self = .train
        case "val", "validate", "validation", "valid": self = .val
        case "test", "testing", "holdout", "holdout_test": self = .test
        default: return nil
        }
    }

    /// From a word in the name of a file or a folder: `kinetics-400_val.csv`, `trainlist01.txt`.
    public init?(inNameOf path: String) {
        let name = path.split(separator: "/").last.map { $0.prefix { $0 != "." }.lowercased() } ?? ""
        let words = name.split { !$0.isLetter }.map(String.init)
        let found = words.compactMap { word in
            Split(word: word) ?? Split(word: word.hasSuffix("list") ? String(word.dropLast(4)) : "")
        }
        guard let last = found.last else { return nil }
        self = last
    }

    public static func < (a: Split, b: Split) -> Bool {
        (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
}
