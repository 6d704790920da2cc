public import Faults

/// A Kinetics data set as the CVDF publishes it: lists of archives, annotations, and for Kinetics-400 an archive of
/// videos that replace damaged ones.
///
/// Source: the scripts and the README of github.com/cvdfoundation/kinetics-dataset. A list holds the URL of one archive a
/// line. Nobody publishes checksums or sizes: a file is whole when it has the size that the server names and its gzip
/// stream ends with the right CRC-32.
public struct PublishedSet: Sendable, Equatable {
    /// A file below the published base address, and where it goes in the data set's folder.
    public struct File: Sendable, Equatable {
        /// Below the base address, such as `400/train/k400_train_path.txt`.
        public let address: String
        /// Below the data set's folder, such as `lists/train.txt`.
        public let path: String
    }

    /// As the command line names it.
    public let name: String
    /// The split's name and the file that lists its archives.
    public let lists: [(split: String, file: File)]
    /// The split's name and a file that says what is in its videos.
    public let annotations: [(split: String, file: File)]
    /// Videos that take the place of damaged ones, whichever archive those came in.
    public let replacements: [File]

    /// What the addresses begin with, the lists' own and those inside them.
    public static let base = "https://s3.amazonaws.com/kinetics"
    /// Other spellings of the same place that lists may use.
    static let aliases = [
        base, "http://s3.amazonaws.com/kinetics", "https://kinetics.s3.amazonaws.com",
        "http://kinetics.s3.amazonaws.com",
    ]

    public static let all: [PublishedSet] = [
        PublishedSet(
            "kinetics-400", folder: "400", prefix: "k400",
            annotations: [("train", "train.csv"), ("val", "val.csv"), ("test", "test.csv")],
            replacements: ["400/replacement_for_corrupted_k400.tgz"]),
        PublishedSet(
            "kinetics-600", folder: "600", prefix: "k600",
            // The CSV files of the same names lack rows.
            annotations: [
                ("train", "train.txt"), ("val", "val.txt"), ("test", "test.csv"),
                ("test", "kinetics600_holdout_test.csv"),
            ]),
        PublishedSet(
            "kinetics-700-2020", folder: "700_2020", prefix: "k700_2020",
            annotations: [("train", "train.csv"), ("val", "val.csv"), ("test", "test.csv")]),
    ]

    /// The set of that name.
    /// - Throws: a usage `Fault` that names the nearest one.
    public static func named(_ name: String) throws(Fault) -> PublishedSet {
        if let set = all.first(where: { $0.name == name }) { return set }
        throw Fault(
            .usage, name, "is no data set that can be downloaded", mend: advice(for: name, among: all.map(\.name)))
    }

    private init(
        _ name: String, folder: String, prefix: String, annotations: [(String, String)], replacements: [String] = []
    ) {
        self.name = name
        lists = ["train", "val", "test"].map {
            ($0, File(address: "\(folder)/\($0)/\(prefix)_\($0)_path.txt", path: "lists/\($0).txt"))
        }
        self.annotations = annotations.map {
            ($0.0, File(address: "\(folder)/annotations/\($0.1)", path: "annotations/\($0.1)"))
        }
        self.replacements = replacements.map {
            File(address: $0, path: "archives/\(Self.replacementSplit)/" + ($0.split(separator: "/").last ?? ""))
        }
    }

    /// The folder of the archives that hold replacements, beside those of the splits.
    public static let replacementSplit = "replacement"

    /// The splits in the set's order.
    /// - Throws: a usage `Fault` for one that the set has not.
    public func checked(splits: [String]) throws(Fault) -> [String] {
        let known = lists.map(\.split)
        for split in splits where !known.contains(split) {
            throw Fault(.usage, split, "is no split of \(name)", mend: advice(for: split, among: known))
        }
        return known.filter(splits.contains)
    }

    public static func == (a: PublishedSet, b: PublishedSet) -> Bool { a.name == b.name }
}
