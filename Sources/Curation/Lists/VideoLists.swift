public import Faults
import Storage

/// A video of a list: its file, its class, and what it is for.
public struct ListedVideo: Sendable, Equatable {
    /// Absolute, or as the list had it where no folder was searched.
    public let path: String
    /// Below the folder that was searched.
    public let name: String
    /// Its name on YouTube with its seconds, or the name of its file.
    public let id: String
    public let label: Int
    public let startFrame: Int?
    public let videoID: Int?
    public let place: Place
}

/// How much of what lists ask for is there.
public struct Coverage: Sendable, Equatable {
    /// Videos of each class that are listed, and that are there, by label.
    public var listed: [Int]
    public var present: [Int]

    public init(listed: [Int], present: [Int]) {
        self.listed = listed
        self.present = present
    }

    public var listedCount: Int { listed.reduce(0, +) }
    public var presentCount: Int { present.reduce(0, +) }
    /// 0 to 1.
    public var share: Double { listedCount == 0 ? 1 : Double(presentCount) / Double(listedCount) }

    /// Labels of classes with the smallest shares, none of them whole.
    public func worst(_ count: Int) -> [Int] {
        let incomplete = listed.indices.filter { present[$0] < listed[$0] }
        return Array(
            incomplete.sorted { (present[$0] * listed[$1], $0) < (present[$1] * listed[$0], $1) }.prefix(count))
    }
}

/// Annotations joined with the files that are there.
public struct VideoLists: Sendable {
    public let classes: ClassList
    /// In the order of the annotations.
    public let videos: [Split: [ListedVideo]]
    public let coverage: [Split: Coverage]
    /// In the order they were met.
    public let problems: [ListProblem]

    public var errors: [ListProblem] { problems.filter(\.kind.isError) }

    /// - Parameters:
    ///   - classes: `nil` takes the names of the annotations in the order of their bytes, or numbers where they have none.
    ///   - split: what videos are for where the annotations do not say.
    ///   - firstLabel: what numbers of classes begin at, 0 or 1.
    /// - Throws: a `Fault` when no class list can be made.
    public init(
        _ files: [AnnotationFile], classes: ClassList?, in index: VideoIndex, split: Split? = nil, firstLabel: Int = 0
    ) throws(Fault) {
        if let classes { self.classes = classes } else { self.classes = try Self.classes(files, firstLabel) }
        var builder = ListBuilder(
            classes: self.classes, index: index, split: split, firstLabel: firstLabel)
        for file in files {
            builder.problems += file.problems
            builder.takeAll(of: file)
        }
        (videos, coverage, problems) = (builder.videos, builder.coverage, builder.problems)
    }

    private static func classes(_ files: [AnnotationFile], _ firstLabel: Int) throws(Fault) -> ClassList {
        var names: Set<String> = []
        var largest = -1
        for row in files.lazy.flatMap(\.rows) {
            switch row.label {
            case .name(let name): names.insert(name)
            case .number(let number): largest = max(largest, number - firstLabel)
            case .unknown: break
            }
        }
        let origin = files.map(\.name).joined(separator: ", ")
        if !names.isEmpty, largest < 0 { return try ClassList(alphabetical: names, origin: origin) }
        guard names.isEmpty, largest >= 0, largest < 1 << 20 else {
            let reason =
                names.isEmpty
                ? (largest < 0 ? "tells no video's class" : "has a label of \(largest)")
                : "has names of classes and numbers, too"
            throw Fault(.data, origin, reason, mend: "name a file of classes with --classes")
        }
        return try ClassList(names: (0...largest).map(String.init), origin: origin)
    }
}

/// Goes through annotations one after the other.
private struct ListBuilder {
    let classes: ClassList
    let index: VideoIndex
    let split: Split?
    let firstLabel: Int
    var videos: [Split: [ListedVideo]] = [:]
    var coverage: [Split: Coverage] = [:]
    var problems: [ListProblem] = []
    /// The first annotation of each video and start frame, and of each in each split.
    private var first: [String: (label: Int, split: Split, place: Place)] = [:]
    private var seen: Set<String> = []

    init(classes: ClassList, index: VideoIndex, split: Split?, firstLabel: Int) {
        (self.classes, self.index, self.split, self.firstLabel) = (classes, index, split, firstLabel)
    }

    mutating func takeAll(of file: AnnotationFile) {
        var splitless = 0
        for row in file.rows {
            if let split = row.split ?? split { take(row, split) } else { splitless += 1 }
        }
        if splitless > 0 {
            problems.append(
                ListProblem(
                    Place(file: file.name, line: 0), .noSplit,
                    "does not say what \(splitless) videos are for; --split train, val or test does"))
        }
    }

    private mutating func take(_ row: Annotation, _ split: Split) {
        var row = row
        row.split = split
        let match = index.find(row)
        if match == .outside {
            return note(row, .outside, "'\(row.name)' is not below \(index.root)")
        }
        guard let label = label(of: row, match) else { return }
        var identity = row.name
        if case .found(let file, _) = match { identity = file.path }
        if let start = row.startFrame { identity += "\u{0}\(start)" }
        guard isNew(identity, row, label, split) else { return }
        count(label, split, \.listed)
        guard case .found(let file, let others) = match else {
            return note(row, .missing, "'\(row.name)' (\(classes.names[label])) is not below \(index.root)")
        }
        guard file.byteCount > 0 else {
            return note(row, .empty, "\(file.path) (\(classes.names[label])) is an empty file")
        }
        if !others.isEmpty {
            note(row, .ambiguous, "\(file.path) is taken, and \(others.joined(separator: ", ")) would do as well")
        }
        count(label, split, \.present)
        videos[split, default: []].append(
            ListedVideo(
                path: index.root + "/" + file.path, name: file.path, id: row.name, label: label,
                startFrame: row.startFrame, videoID: row.videoID, place: row.place))
    }

    private mutating func count(_ label: Int, _ split: Split, _ counts: WritableKeyPath<Coverage, [Int]>) {
        let none = [Int](repeating: 0, count: classes.names.count)
        coverage[split, default: Coverage(listed: none, present: none)][keyPath: counts][label] += 1
    }

    /// Whether a video is listed for the first time in this split.
    private mutating func isNew(_ identity: String, _ row: Annotation, _ label: Int, _ split: Split) -> Bool {
        if let earlier = first[identity] {
            guard earlier.label == label else {
                note(
                    row, .conflict,
                    "'\(row.name)' is \(classes.names[label]) here and \(classes.names[earlier.label]) at \(earlier.place)"
                )
                return false
            }
            if earlier.split != split, !seen.contains("\(split)\u{0}\(identity)") {
                note(row, .twoSplits, "'\(row.name)' is for \(split) here and for \(earlier.split) at \(earlier.place)")
            }
        } else {
            first[identity] = (label, split, row.place)
        }
        guard seen.insert("\(split)\u{0}\(identity)").inserted else {
            note(
                row, .duplicate,
                "'\(row.name)' is listed a second time; the first is \(first[identity]?.place.description ?? "")")
            return false
        }
        return true
    }

    /// Of annotations without a class the file's folder tells it.
    private mutating func label(of row: Annotation, _ match: VideoIndex.Match) -> Int? {
        switch row.label {
        case .name(let name):
            if let label = classes.label(of: name) { return label }
            let near = nearestName(to: name, among: classes.names).map { "; did you mean '\($0)'?" } ?? ""
            note(row, .unknownClass, "'\(name)' is not a class of \(classes.origin)\(near)")
        case .number(let number):
            let label = number - firstLabel
            if classes.names.indices.contains(label) { return label }
            // A class may be called by a number.
            if let label = classes.label(of: String(number)) { return label }
            let hint = label == classes.names.count ? "; if they begin at 1, say --first-label \(firstLabel + 1)" : ""
            note(
                row, .labelOutOfRange,
                "label \(number) is outside \(firstLabel) to \(classes.names.count - 1 + firstLabel)\(hint)")
        case .unknown:
            if case .found(let file, _) = match {
                let folders = file.path.split(separator: "/").dropLast().reversed()
                if let label = folders.lazy.compactMap({ [classes] in classes.label(of: String($0)) }).first {
                    return label
                }
            }
            note(row, .noLabel, "nothing tells the class of '\(row.name)'")
        }
        return nil
    }

    private mutating func note(_ row: Annotation, _ kind: ListProblem.Kind, _ reason: String) {
        problems.append(ListProblem(row.place, kind, reason))
    }
}

extension Annotation {
    /// What its video is called: the file, or the name on YouTube with the seconds as in names of files.
    public var name: String {
        switch video {
        case .file(let path, _): return path
        case .clip(let id, let start, let end):
            func padded(_ seconds: Int) -> String {
                String(repeating: "0", count: max(0, 6 - String(seconds).count)) + String(seconds)
            }
            guard let start, let end else { return id }
            return "\(id)_\(padded(start))_\(padded(end))"
        }
    }
}
