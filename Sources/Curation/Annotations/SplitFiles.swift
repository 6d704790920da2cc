import Clips
public import Faults
import Storage

/// The class that a split file of HMDB51 is about: `brush_hair_test_split1.txt`; `nil` for other names.
func hmdbClass(_ file: String) -> String? {
    file.wholeMatch(of: /(.+)_test_split[1-9]\.txt/).map { String($0.output.1) }
}

/// `trainlist01.txt`, `testlist03.txt`.
func isUCFList(_ file: String) -> Bool { file.wholeMatch(of: /(train|test)list0[1-9]\.txt/) != nil }

/// `April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1`: 1 trains, 2 tests, 0 does neither.
func hmdbRow(_ line: Substring, class name: String, _ place: Place) -> RowResult {
    guard let blank = line.lastIndex(where: \.isWhitespace), let part = Int(line[line.index(after: blank)...]),
        (0...2).contains(part)
    else { return .problem(ListProblem(place, .malformed, "'\(line)' is not a file and 0, 1 or 2")) }
    guard part != 0 else { return .nothing }
    return .row(
        Annotation(
            video: .file(name + "/" + line[..<blank].trimmed(), anywhere: true), label: .name(name),
            split: part == 1 ? .train : .test, place: place))
}

/// `ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1`; lists for testing have no number. The folder tells the class.
func ucfRow(_ line: Substring, _ place: Place) -> RowResult {
    var path = line
    if let blank = line.lastIndex(where: \.isWhitespace), Int(line[line.index(after: blank)...]) != nil {
        path = line[..<blank].trimmed()
    }
    guard let slash = path.firstIndex(of: "/"), slash > path.startIndex else {
        return .problem(ListProblem(place, .malformed, "'\(line)' is not a class, a slash and a file"))
    }
    return .row(
        Annotation(video: .file(String(path), anywhere: true), label: .name(String(path[..<slash])), place: place))
}

/// `path label`: the label is what follows the last separator, because paths have spaces; a name of a class may stand for
/// its number where a comma or a tab is between.
func pairRow(_ line: Substring, _ separator: UInt8?, _ place: Place) -> RowResult {
    func row(_ path: Substring, _ label: Substring) -> RowResult {
        let path = path.trimmed()
        guard !path.isEmpty, !label.trimmed().isEmpty else {
            return .problem(ListProblem(place, .malformed, "'\(line)' is not a path and a label"))
        }
        return .row(
            Annotation(
                video: .file(ClassList.unquoted(String(path)), anywhere: false),
                label: .init(ClassList.unquoted(String(label))), place: place))
    }
    func split(at index: Substring.Index) -> RowResult { row(line[..<index], line[line.index(after: index)...]) }
    if let separator {
        guard let index = line.lastIndex(of: Character(UnicodeScalar(separator))) else {
            return .problem(
                ListProblem(place, .malformed, "'\(line)' has no '\(UnicodeScalar(separator))' before a label"))
        }
        return split(at: index)
    }
    if let index = line.lastIndex(where: { $0.isWhitespace || $0 == "," }),
        Int(line[line.index(after: index)...]) != nil
    {
        return row(
            line[..<index].trimmed().hasSuffix(",") ? line[..<index].trimmed().dropLast() : line[..<index],
            line[line.index(after: index)...])
    }
    if let index = line.lastIndex(of: "\t") ?? line.lastIndex(of: ",") { return split(at: index) }
    return .problem(ListProblem(place, .malformed, "'\(line)' is not a path and a label"))
}

/// The split files in a folder as UCF101 and HMDB51 publish them.
public struct SplitFolder {
    /// Those of the wanted fold.
    public let files: [String]
    /// UCF101's `classInd.txt`, if it is there.
    public let classes: String?

    /// - Parameter fold: 1 to 3: which of the published cuts into training and testing.
    /// - Throws: a usage `Fault` when the folder holds none.
    public init(_ folder: String, fold: Int) throws(Fault) {
        let names = try directoryNames(folder)
        files = names.filter {
            hmdbClass($0) != nil && $0.hasSuffix("_split\(fold).txt")
                || isUCFList($0) && $0.hasSuffix("list0\(fold).txt")
        }.map { folder + "/" + $0 }
        guard !files.isEmpty else {
            throw Fault(
                .usage, folder, "holds no split files of UCF101 or HMDB51 for fold \(fold)",
                mend: "name a file of annotations, or leave --annotations out where folders are classes")
        }
        classes = names.contains("classInd.txt") ? folder + "/classInd.txt" : nil
    }
}
