import ArgumentParser
import Curation
import Faults
import Foundation
import Reporting
import Storage

extension DataCommand {
    /// `zoetrope data lists`: annotations of any dialect and a folder of videos become lists for training.
    struct Lists: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make lists of videos and classes from annotations and a folder, and say what is missing.",
            discussion: """
                Reads the CSV files of the CVDF and ActivityNet (with a header or without, labels, splits), VMZ's lists, \
                PySlowFast's `path label`, the split files of UCF101 and HMDB51 (a folder), and, without --annotations, \
                folders of classes. Writes train.csv, val.csv and test.csv, classes.txt, coverage.tsv and problems.tsv. \
                Lines that are wrong are named, and nothing is written unless --skip-bad leaves them out.
                """)
        @Option(help: "A file of annotations, or the folder of split files of UCF101 or HMDB51; may be repeated.")
        var annotations: [String] = []
        @Option(help: "The folder that holds the videos, in any depth.")
        var videos: String
        @Option(help: "classids.json, or a file of names; without it the order is alphabetical.")
        var classes: String?
        @Option(help: "ours, slowfast or vmz.")
        var format = "ours"
        @Option(help: "Where the lists go.")
        var out: String
        @Option(help: "What videos are for where the annotations do not say: train, val or test.")
        var split: String?
        @Option(help: "Between path and label, read and written (PySlowFast's DATA.PATH_LABEL_SEPARATOR).")
        var separator: String?
        @Option(help: "What numbers of classes begin at in the annotations: 0 or 1.")
        var firstLabel = 0
        @Option(help: "Which of the three published splits of UCF101 and HMDB51.")
        var fold = 1
        @Flag(help: "Write paths below --videos instead of whole ones.")
        var relative = false
        @Flag(help: "Leave out what is wrong.")
        var skipBad = false
        @OptionGroup var result: ResultOptions

        func run() throws {
            guard let format = ListFormat(rawValue: format) else {
                throw Fault(
                    .usage, "--format \(format)", "is not a format of lists",
                    mend: advice(for: format, among: ListFormat.allCases.map(\.rawValue)))
            }
            let index = try VideoIndex(scanning: URL(fileURLWithPath: videos).standardizedFileURL.path)
            for folder in index.skipped { standardError("zoetrope: \(folder)\n") }
            guard !index.files.isEmpty else { throw Fault(.data, videos, "holds no video") }
            let (files, published) = try read(index)
            let classes = try (classes ?? published).map { path throws(Fault) in try ClassList(path: path) }
            let lists = try VideoLists(
                files, classes: classes, in: index, split: try wantedSplit(), firstLabel: firstLabel)
            describe(lists.problems)
            if let first = lists.errors.first, !skipBad {
                throw Fault(
                    .data, "\(first.place)",
                    "\(first.reason); \(lists.errors.count) lines are wrong, and no list was written",
                    mend: "correct them, or leave them out with --skip-bad")
            }
            guard lists.videos.values.contains(where: { !$0.isEmpty }) else {
                throw Fault(.data, videos, "holds none of the videos that are listed")
            }
            var writer = ListWriter(format: format)
            if let separator = try separatorByte() { writer.separator = Character(UnicodeScalar(separator)) }
            writer.relative = relative
            let written = try writer.write(lists, into: out)
            report(lists, files, written)
        }

        func validate() throws {
            guard (0...1).contains(firstLabel) else {
                throw ValidationError("--first-label \(firstLabel): choose 0 or 1")
            }
            guard (1...3).contains(fold) else { throw ValidationError("--fold \(fold): choose 1 to 3") }
        }

        private func read(_ index: VideoIndex) throws -> (files: [AnnotationFile], classes: String?) {
            var files: [AnnotationFile] = []
            var classes: String?
            for path in annotations {
                guard try fileKind(path) == .directory else {
                    files.append(try AnnotationFile(path: path, separator: try separatorByte()))
                    continue
                }
                let folder = try SplitFolder(path, fold: fold)
                for file in folder.files { files.append(try AnnotationFile(path: file)) }
                classes = folder.classes ?? classes
            }
            return (annotations.isEmpty ? [AnnotationFile(foldersOf: index)] : files, classes)
        }

        private func separatorByte() throws(Fault) -> UInt8? {
            guard let separator else { return nil }
            let text = separator == "\\t" ? "\t" : separator
            guard let byte = text.utf8.first, text.utf8.count == 1, byte < 128, !"\"\r\n".utf8.contains(byte) else {
                throw Fault(.usage, "--separator \(separator)", "is not one character", mend: "choose for example ,")
            }
            return byte
        }

        private func wantedSplit() throws(Fault) -> Split? {
            guard let split else { return nil }
            guard let value = Split(rawValue: split) else {
                throw Fault(
                    .usage, "--split \(split)", "is not a split",
                    mend: advice(for: split, among: Split.allCases.map(\.rawValue)))
            }
            return value
        }

        /// The first few of each kind; the file has them all.
        private func describe(_ problems: [ListProblem]) {
            for kind in ListProblem.Kind.allCases {
                let those = problems.filter { $0.kind == kind }
                for problem in those.prefix(5) {
                    standardError("zoetrope: \(problem.place): \(kind.rawValue): \(problem.reason)\n")
                }
                if those.count > 5 { standardError("zoetrope: \(those.count - 5) more of \(kind.rawValue)\n") }
            }
        }

        private func report(_ lists: VideoLists, _ files: [AnnotationFile], _ written: [String]) {
            let published = PublishedCounts.matching(lists.classes)
            var lines = [
                "\(out): \(lists.classes.names.count) classes" + (published.map { ", those of \($0.name)" } ?? "")
            ]
            var splits: [(String, JSON)] = []
            for split in Split.allCases {
                guard let coverage = lists.coverage[split] else { continue }
                lines.append(
                    "  \(padded(split.rawValue, 6)) \(coverage.presentCount) of \(coverage.listedCount) videos "
                        + "(\(hundredths(100 * coverage.share)) %)"
                        + (published.map { publishedText($0, split) } ?? ""))
                for label in coverage.worst(3) {
                    lines.append(
                        "         \(lists.classes.names[label]): \(coverage.present[label]) of \(coverage.listed[label])"
                    )
                }
                if let cost = cost(ofMissing: coverage, in: split) { lines.append("         \(cost)") }
                splits.append(
                    (
                        split.rawValue,
                        [
                            "listed": .integer(coverage.listedCount), "present": .integer(coverage.presentCount),
                            "published_annotations": published?.annotated(split).map(JSON.integer) ?? .null,
                            "published_videos": published?.archived(split).map(JSON.integer) ?? .null,
                        ]
                    ))
            }
            let kinds = Dictionary(grouping: lists.problems, by: \.kind).mapValues(\.count)
            result.report(
                [
                    "classes": .integer(lists.classes.names.count),
                    "dataset": published.map { .string($0.name) } ?? .null,
                    "alphabetical": .boolean(lists.classes.isAlphabetical),
                    "dialects": .array(files.map { .string($0.dialect.rawValue) }), "splits": .object(splits),
                    "problems": .object(
                        ListProblem.Kind.allCases.compactMap { kind in kinds[kind].map { (kind.rawValue, .integer($0)) }
                        }),
                    "lists": .array(written.map(JSON.string)),
                ], text: lines.joined(separator: "\n"))
        }

        private func publishedText(_ published: PublishedCounts, _ split: Split) -> String {
            let parts = [
                published.annotated(split).map { "\($0) annotated" },
                published.archived(split).map { "\($0) in archives" },
            ].compactMap(\.self)
            return parts.isEmpty ? "" : "; published: " + parts.joined(separator: ", ")
        }
    }
}
