import Clips

/// Where the columns of a table of annotations stand.
struct AnnotationColumns: Equatable {
    /// A file, in VMZ's lists and ours.
    var path: Int?
    /// A name on YouTube.
    var id: Int?
    var label: Int?
    /// The name of the class beside its number.
    var className: Int?
    var start: Int?
    var end: Int?
    var split: Int?
    var startFrame: Int?
    var videoID: Int?
    let count: Int
    let hasHeader: Bool

    private static var names: [(WritableKeyPath<Self, Int?>, [String])] {
        [
            (\.path, ["org_video", "path", "video_path", "file", "filename"]),
            (\.id, ["youtube_id", "youtube-id", "video-id", "id"]),
            (\.label, ["label", "label-name", "label_name"]), (\.className, ["class", "class_name", "action"]),
            (\.start, ["time_start", "start-time", "start_time", "start"]),
            (\.end, ["time_end", "end-time", "end_time", "end"]), (\.split, ["split", "subset"]),
            (\.startFrame, ["start_frm"]), (\.videoID, ["video_id"]),
        ]
    }

    /// - Returns: `nil` when the fields are no header that names videos.
    init?(header fields: [String]) {
        count = fields.count
        hasHeader = true
        let words = fields.map { ClassList.unquoted($0).lowercased() }
        for (column, known) in Self.names { self[keyPath: column] = words.firstIndex(where: known.contains) }
        // Without a path, VMZ's number of a video is somebody else's name of it.
        if path == nil, id == nil { (id, videoID) = (videoID, nil) }
        guard path != nil || id != nil else { return nil }
    }

    /// Columns by what the first row holds: two ascending numbers of seconds follow the name on YouTube.
    /// - Returns: `nil` when there are none.
    init?(firstRow fields: [String]) {
        count = fields.count
        hasHeader = false
        func seconds(_ i: Int) -> Double? { Double(fields[i].trimmed()).flatMap { $0 >= 0 ? $0 : nil } }
        for i in 1..<max(1, count - 1) {
            guard let a = seconds(i), let b = seconds(i + 1), a < b, !fields[i - 1].isEmpty else { continue }
            (id, start, end) = (i - 1, i, i + 1)
            label = i >= 2 ? i - 2 : nil
            split = (i + 2..<max(i + 2, count)).first { Split(word: fields[$0]) != nil }
            return
        }
        return nil
    }

    func row(_ fields: [String], _ place: Place) -> RowResult {
        func malformed(_ reason: String) -> RowResult { .problem(ListProblem(place, .malformed, reason)) }
        guard fields.count == count else {
            return malformed("has \(fields.count) fields and \(hasHeader ? "the header" : "the first line") \(count)")
        }
        func text(_ column: Int?) -> String { column.map { ClassList.unquoted(fields[$0]) } ?? "" }
        func number(_ column: Int?) -> Int? {
            Double(text(column)).flatMap { $0.isFinite && $0 >= 0 && $0 < 1e9 ? Int($0.rounded()) : nil }
        }
        for (column, what) in [(start, "start"), (end, "end"), (startFrame, "start frame")]
        where !text(column).isEmpty && number(column) == nil {
            return malformed("the \(what) '\(text(column))' is not a number of at least 0")
        }
        guard text(videoID).isEmpty || Int(text(videoID)) != nil else {
            return malformed("video_id '\(text(videoID))' is not a whole number")
        }
        guard text(split).isEmpty || Split(word: text(split)) != nil else {
            return malformed("'\(text(split))' is not a split; it is train, val or test")
        }
        let video: Annotation.Video
        if path != nil {
            // White space and quotes may belong to the name of a file.
            let file = path.map { fields[$0] } ?? ""
            guard !file.isEmpty else { return malformed("names no video") }
            video = .file(file, anywhere: false)
        } else {
            if let problem = Self.problem(withID: text(id)) { return malformed(problem) }
            guard !text(id).contains("/"), text(id) != "..", text(id) != "." else {
                return .problem(ListProblem(place, .outside, "'\(text(id))' is not the name of a video"))
            }
            video = .clip(id: text(id), start: number(start), end: number(end))
        }
        return .row(
            Annotation(
                video: video, label: .init(text(className).isEmpty ? text(label) : text(className)),
                split: Split(word: text(split)), startFrame: number(startFrame), videoID: Int(text(videoID)),
                place: place))
    }

    private static func problem(withID id: String) -> String? {
        if id.isEmpty { return "names no video" }
        let errors = ["#NAME?", "#REF!", "#VALUE!", "#ERROR!", "#N/A", "#DIV/0!"]
        if errors.contains(id.uppercased()) {
            return "a spreadsheet has put '\(id)' in place of a video's name; take the published file"
        }
        return nil
    }
}

extension Annotation.Label {
    /// What a field says: a number, a name, or nothing. A number beyond all classes is no number to count with.
    init(_ text: String) {
        if text.isEmpty {
            self = .unknown
        } else if let number = Int(text), number.magnitude < 1 << 40 {
            self = .number(number)
        } else {
            self = .name(text)
        }
    }
}
