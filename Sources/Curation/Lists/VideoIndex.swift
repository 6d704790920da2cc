public import Faults
import Storage

/// The video files below a folder, found by what lists call them.
public struct VideoIndex: Sendable {
    public struct File: Sendable, Equatable {
        /// Below the folder.
        public let path: String
        public let byteCount: Int

        public init(path: String, byteCount: Int) {
            self.path = path
            self.byteCount = byteCount
        }
    }

    public enum Match: Sendable, Equatable {
        /// `others`: files that would do as well.
        case found(File, others: [String])
        case missing
        /// The name leads out of the folder.
        case outside
    }

    /// Without a slash at its end.
    public let root: String
    /// In the order of their paths.
    public let files: [File]
    /// Folders that were not looked into, and why: links that lead back to a folder above them, and what lies too deep.
    public let skipped: [String]
    private let byPath: [String: Int]
    /// By path without what follows the last dot.
    private let byStem: [String: [Int]]
    /// By the same of the name alone.
    private let byName: [String: [Int]]
    /// By name on YouTube.
    private let byID: [String: [(file: Int, start: Int?, end: Int?)]]

    static let extensions: Set<String> = [
        "mp4", "mkv", "webm", "avi", "mov", "m4v", "mpg", "mpeg", "ts", "flv", "wmv", "3gp", "ogv", "asf",
    ]

    /// Looks through `folder` and the folders in it, through links too.
    /// - Throws: a `Fault` when it cannot be read.
    public init(scanning folder: String) throws(Fault) {
        var scan = Scan(root: folder)
        try scan.look("", above: [])
        self.init(root: folder, files: scan.files, skipped: scan.skipped)
    }

    public init(root: String, files: [File], skipped: [String] = []) {
        self.skipped = skipped
        self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
        self.files = files.sorted { $0.path < $1.path }
        var byPath: [String: Int] = [:]
        var byStem: [String: [Int]] = [:]
        var byName: [String: [Int]] = [:]
        var byID: [String: [(file: Int, start: Int?, end: Int?)]] = [:]
        for (i, file) in self.files.enumerated() {
            byPath[file.path] = i
            let stem = Self.stem(file.path)
            byStem[stem, default: []].append(i)
            let name = stem.split(separator: "/").last.map(String.init) ?? stem
            byName[name, default: []].append(i)
            let clip = Self.clip(name)
            byID[clip.id, default: []].append((i, clip.start, clip.end))
            // An id may itself end like two numbers.
            if clip.start != nil { byID[name, default: []].append((i, nil, nil)) }
        }
        (self.byPath, self.byStem, self.byName, self.byID) = (byPath, byStem, byName, byID)
    }

    /// Finds the file of an annotation. Among several, one with its seconds in the name goes first, then one of a folder of
    /// replacements, of its split's folder, of its class's, and one that is not empty.
    public func find(_ annotation: Annotation) -> Match {
        switch annotation.video {
        case .file(let name, let anywhere): find(name, anywhere: anywhere, annotation)
        case .clip(let id, let start, let end):
            best(
                (byID[id] ?? []).filter { ($0.start == nil || $0.start == start) && ($0.end == nil || $0.end == end) }
                    .map { ($0.file, $0.start != nil) }, annotation)
        }
    }

    private func find(_ name: String, anywhere: Bool, _ annotation: Annotation) -> Match {
        guard let path = inside(name) else { return .outside }
        if let exact = byPath[path] { return .found(files[exact], others: []) }
        let stem = Self.stem(path)
        if let same = byStem[stem] { return best(same.map { ($0, true) }, annotation) }
        guard anywhere, let name = stem.split(separator: "/").last else { return .missing }
        return best((byName[String(name)] ?? []).map { ($0, true) }, annotation)
    }

    private func best(_ candidates: [(file: Int, timed: Bool)], _ annotation: Annotation) -> Match {
        func merit(_ candidate: (file: Int, timed: Bool)) -> Int {
            let file = files[candidate.file]
            let folders = file.path.split(separator: "/").dropLast()
            var merit = file.byteCount > 0 ? 16 : 0
            if candidate.timed { merit += 8 }
            if folders.contains(where: { $0.hasPrefix("replacement") }) { merit += 4 }
            if let split = annotation.split, folders.contains(where: { Split(word: String($0)) == split }) {
                merit += 2
            }
            if case .name(let name) = annotation.label,
                folders.contains(where: { ClassList.plain(String($0)) == ClassList.plain(name) })
            {
                merit += 1
            }
            return merit
        }
        let ranked = candidates.map { (merit: merit($0), file: $0.file) }
        guard let most = ranked.map(\.merit).max() else { return .missing }
        let best = Set(ranked.filter { $0.merit == most }.map(\.file)).sorted()
        return .found(files[best[0]], others: best.dropFirst().map { files[$0].path })
    }

    /// `name` as a path below the folder; `nil` when it leads out.
    func inside(_ name: String) -> String? {
        var rest = name[...]
        if name.hasPrefix("/") {
            guard name.hasPrefix(root + "/") else { return nil }
            rest = name.dropFirst(root.count + 1)
        }
        var parts: [Substring] = []
        for part in rest.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(part)
            }
        }
        return parts.joined(separator: "/")
    }

    static func stem(_ path: String) -> String {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return path }
        return String(path[..<dot])
    }

    /// `id_000061_000071`, with zeros or without.
    static func clip(_ stem: String) -> (id: String, start: Int?, end: Int?) {
        let parts = stem.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count >= 3, let end = seconds(parts[parts.count - 1]), let start = seconds(parts[parts.count - 2])
        else { return (stem, nil, nil) }
        return (parts.dropLast(2).joined(separator: "_"), start, end)
    }

    private static func seconds(_ digits: Substring) -> Int? {
        (1...6).contains(digits.utf8.count) && digits.utf8.allSatisfy { (48...57).contains($0) } ? Int(digits) : nil
    }
}

/// Goes through folders, those behind links too.
private struct Scan {
    let root: String
    var files: [VideoIndex.File] = []
    var skipped: [String] = []

    private static let deepest = 16

    init(root: String) { self.root = root }

    /// - Parameter above: the folders that `below` lies in, whatever names led there.
    mutating func look(_ below: String, above: [FileIdentity]) throws(Fault) {
        let folder = below.isEmpty ? root : root + "/" + below
        let identity = try FileIdentity(path: folder)
        guard !above.contains(identity) else {
            skipped.append("\(folder) is a link to a folder that it lies in, and was not followed")
            return
        }
        guard above.count <= Self.deepest else {
            skipped.append("\(folder) lies more than \(Self.deepest) folders deep, and was not looked into")
            return
        }
        // Dot files are what other systems leave beside videos (`._name.mp4`), and what is being written.
        for name in try directoryNames(folder) where !name.hasPrefix(".") {
            let path = below.isEmpty ? name : below + "/" + name
            switch try fileKind(root + "/" + path) {
            case .directory: try look(path, above: above + [identity])
            case .file(let size):
                let ending = name.split(separator: ".").last?.lowercased() ?? ""
                if VideoIndex.extensions.contains(ending) { files.append(.init(path: path, byteCount: size)) }
            case .other:
                // Bytes that are no UTF-8 were replaced, and nothing has the name that came of it.
                let isRepaired = name.unicodeScalars.contains("\u{FFFD}")
                let ending = name.split(separator: ".").last?.lowercased() ?? ""
                if isRepaired || VideoIndex.extensions.contains(ending) {
                    skipped.append(
                        "\(root)/\(path) "
                            + (isRepaired ? "has a name that is not UTF-8" : "is a link that leads nowhere, or no file")
                            + ", and was passed over")
                }
            }
        }
    }
}
