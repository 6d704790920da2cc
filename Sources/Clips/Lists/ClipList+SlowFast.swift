public import Faults
import Storage

extension ClipList {
    /// Reads one of PySlowFast's lists: a path and a label on each line, with a separator between them.
    ///
    /// The label is what follows the last separator, so that a path may hold it. Relative paths are looked up in the working
    /// directory, as PySlowFast does, then beside the list. Empty lines count for nothing.
    /// - Parameters:
    ///   - separator: `DATA.PATH_LABEL_SEPARATOR`; not empty.
    ///   - prefix: `DATA.PATH_PREFIX`, a folder before every relative path; empty for none.
    ///   - classes: How many there are; labels are below it.
    /// - Throws: `Fault.data` that names the first line that makes no sense, and how many do not.
    public init(slowFast path: String, separator: String, prefix: String, classes: Int) throws(Fault) {
        guard pathExists(path) else {
            throw Fault(
                .data, path, "there is no such list",
                mend: "write it with 'zoetrope data lists --format slowfast', a line for each video: path label")
        }
        guard let text = String(validating: try readWhole(path), as: UTF8.self) else {
            throw Fault(.data, path, "is not a list: it is not UTF-8 text")
        }
        try self.init(slowFast: text, name: path, separator: separator, prefix: prefix, classes: classes)
    }

    /// The same from memory; `name` is the list's path.
    package init(slowFast text: String, name: String, separator: String, prefix: String, classes: Int) throws(Fault) {
        let folder = name.contains("/") ? String(name[..<(name.lastIndex(of: "/") ?? name.startIndex)]) : "."
        let body = text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]
        var entries: [Entry] = []
        var wrong: [Fault] = []
        for (index, line) in body.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            do throws(Fault) {
                let (path, label) = try Self.pair(line, separator, "\(name):\(index + 1)", classes)
                let prefixed = prefix.isEmpty || path.hasPrefix("/") ? path : "\(prefix)/\(path)"
                entries.append(
                    Entry(
                        name: path, path: Self.find(prefixed, folder), label: label, startFrame: nil, videoID: nil,
                        line: index + 1))
            } catch { wrong.append(error) }
        }
        if let first = wrong.first {
            let others = wrong.count > 1 ? " (and \(wrong.count - 1) lines more)" : ""
            throw Fault(.data, first.thing, first.reason + others, mend: first.mend)
        }
        guard !entries.isEmpty else { throw Fault(.data, name, "lists no video") }
        self.init(name: name, entries: entries)
    }

    private static func pair(
        _ line: Substring, _ separator: String, _ at: String, _ classes: Int
    ) throws(Fault) -> (path: String, label: Int) {
        let trimmed = line.trimmed()
        guard let gap = trimmed.ranges(of: separator).last, gap.lowerBound > trimmed.startIndex else {
            throw Fault(
                .data, at, "'\(trimmed)' has no '\(separator)' between a path and a label",
                mend: "write for example a.mp4\(separator)0, or set DATA.PATH_LABEL_SEPARATOR")
        }
        let path = trimmed[..<gap.lowerBound].trimmed()
        let word = trimmed[gap.upperBound...].trimmed()
        guard let label = Int(word) else {
            throw Fault(
                .data, at, "the label '\(word)' is not a whole number",
                mend: "'zoetrope data lists' writes numbers for names")
        }
        guard (0..<classes).contains(label) else {
            throw Fault(
                .data, at, "label \(label) is out of range: MODEL.NUM_CLASSES is \(classes)",
                mend: "labels are 0 to \(classes - 1)")
        }
        return (String(path), label)
    }

    private static func find(_ name: String, _ folder: String) -> String {
        if name.hasPrefix("/") || pathExists(name) { return name }
        let beside = folder + "/" + name
        return pathExists(beside) ? beside : name
    }

    private init(name: String, entries: [Entry]) { (self.name, self.entries) = (name, entries) }

    /// Without entries that say the same as an earlier one: VMZ's databases hold a list several times over.
    public var withoutCopies: ClipList {
        struct Key: Hashable { let path: String, label: Int, start: Int?, id: Int? }
        var seen: Set<Key> = []
        return ClipList(
            name: name,
            entries: entries.filter {
                seen.insert(Key(path: $0.path, label: $0.label, start: $0.startFrame, id: $0.videoID)).inserted
            })
    }
}
