import Configuration
public import Faults
public import Storage

/// `dataset.toml`: what a data set is called by, and what each of its splits holds.
public struct DataSetDescription: Sendable, Equatable {
    public struct Split: Sendable, Equatable {
        /// How its videos were made ready, in words; empty where they are as they came.
        public var profile: String
        public var clips: Int
        public var frames: Int
        public var bytes: Int
        /// Names what training sees of the split; see `PackedSet.digest`.
        public var digest: Digest
        /// SHA-256 of the file `manifest`.
        public var manifest: Digest
    }

    public static let fileName = "dataset.toml"
    public static let splitNames = ["train", "val", "test"]

    /// In the order of their labels.
    public var classes: [String]
    /// By name: `train`, `val`, `test`.
    public var splits: [String: Split]

    public init(classes: [String], splits: [String: Split]) {
        self.classes = classes
        self.splits = splits
    }

    /// How the videos were made ready, in words: one for all splits, or that of each.
    public var profile: String {
        if let profile = commonProfile { return profile }
        return Self.splitNames.compactMap { name in
            splits[name].map { "\(name): \($0.profile.isEmpty ? "as they came" : $0.profile)" }
        }.joined(separator: "; ")
    }

    private var commonProfile: String? {
        let profiles = Set(splits.values.map(\.profile))
        return profiles.count > 1 ? nil : profiles.first ?? ""
    }

    /// Reads `dataset.toml` in `directory`.
    /// - Throws: `Fault` when there is none or it makes no sense.
    public init(directory: String) throws(Fault) {
        let path = directory + "/" + Self.fileName
        guard pathExists(path) else {
            throw Fault(
                .data, directory,
                pathExists(directory) ? "is not a data set: it has no \(Self.fileName)" : "is not there",
                mend: "make one with 'zoetrope data pack' or 'zoetrope data synth'")
        }
        let bytes = try readWhole(path, limit: 64 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(.data, path, "is not UTF-8 text", mend: "pack the set again")
        }
        try self.init(text: text, name: path)
    }

    /// Reads the text of a `dataset.toml`.
    /// - Parameter name: Whose it is, for faults.
    /// - Throws: `Fault` when it makes no sense.
    public init(text: String, name path: String) throws(Fault) {
        var reader = Reader(try Document(toml: text, name: path))
        _ = try reader.integer("format", in: 1...1)
        classes = try reader.strings("classes")
        let profile = try reader.string("profile", default: "")
        splits = [:]
        for name in Self.splitNames where reader.has("\(name).digest") {
            let any = 0...Int.max
            splits[name] = Split(
                profile: try reader.string("\(name).profile", default: profile),
                clips: try reader.integer("\(name).clips", in: any),
                frames: try reader.integer("\(name).frames", in: any),
                bytes: try reader.integer("\(name).bytes", in: any),
                digest: try Self.digest("\(name).digest", &reader),
                manifest: try Self.digest("\(name).manifest", &reader))
        }
        _ = try reader.finish()
    }

    private static func digest(_ key: String, _ reader: inout Reader) throws(Fault) -> Digest {
        let text = try reader.string(key)
        guard let digest = Digest(hexadecimal: text) else {
            throw Fault(.data, reader.place(key), "'\(text)' is not a SHA-256 digest", mend: "pack the set again")
        }
        return digest
    }

    /// Writes `dataset.toml` in `directory`, whole or not at all.
    public func write(directory: String) throws(Fault) {
        try writeWhole(text, to: directory + "/" + Self.fileName)
    }

    /// What stands in `dataset.toml`.
    public var text: String {
        var text = "# A data set of zoetrope, written by 'data pack'.\nformat = 1\n"
        text += "classes = \(Value.list(classes.map(Value.string)).toml)\n"
        if let profile = commonProfile { text += "profile = \(Value.string(profile).toml)\n" }
        for name in Self.splitNames {
            guard let split = splits[name] else { continue }
            text += "\n[\(name)]\n"
            if commonProfile == nil { text += "profile = \(Value.string(split.profile).toml)\n" }
            text += "clips = \(split.clips)\nframes = \(split.frames)\nbytes = \(split.bytes)\n"
            text += "digest = \"\(split.digest)\"\nmanifest = \"\(split.manifest)\"\n"
        }
        return text
    }
}
