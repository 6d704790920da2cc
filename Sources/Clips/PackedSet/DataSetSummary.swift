import Faults
import Video

/// What `zoetrope data info` tells of a data set.
public struct DataSetSummary: Sendable, Equatable {
    public struct Split: Sendable, Equatable {
        public let name: String
        public let clips: Int
        /// Videos with different bytes.
        public let distinctVideos: Int
        public let frames: Int
        /// Encoded bytes of the distinct videos.
        public let bytes: Int
        public let shards: Int
        /// See `PackedSet.digest`.
        public let digest: String
        /// Clips of each class, in the order of labels.
        public let clipsPerClass: [Int]
        /// The shortest and the longest video, in frames.
        public let frameCounts: ClosedRange<Int>
        /// The smallest and the largest width and height, in pixels.
        public let widths: ClosedRange<Int>
        public let heights: ClosedRange<Int>
        /// The smallest and the largest video, in bytes.
        public let byteCounts: ClosedRange<Int>
        /// Of the videos that were opened: how many, how many have which frame rate (in hundredths of frames a second; 0
        /// where the container does not say), and which codec.
        public let opened: Int
        public let rates: [Int: Int]
        public let codecs: [String: Int]
        /// Videos whose frames can only be found by counting from the beginning.
        public let sequential: Int
    }

    public let classes: [String]
    public let profile: String
    public let splits: [Split]

    /// Reads the description and the manifests of the data set in `directory`, and checks its shards.
    /// - Parameter opening: how many videos of each split, spread evenly, are opened to tell their rates and codecs.
    /// - Throws: a `Fault` when it is missing, damaged or not ours.
    public init(directory: String, opening: Int = 0) throws {
        let description = try DataSetDescription(directory: directory)
        classes = description.classes
        profile = description.profile
        var splits: [Split] = []
        for name in DataSetDescription.splitNames where description.splits[name] != nil {
            splits.append(try Split(PackedSet(directory: directory, split: name), name: name, opening: opening))
        }
        self.splits = splits
    }
}

extension DataSetSummary.Split {
    init(_ set: PackedSet, name: String, opening: Int) throws {
        self.name = name
        clips = set.count
        frames = set.records.reduce(0) { $0 + $1.frameCount }
        digest = "\(set.digest)"
        shards = set.shardCount
        let distinct = Dictionary(set.records.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first }).values
        distinctVideos = distinct.count
        bytes = distinct.reduce(0) { $0 + $1.byteCount }
        sequential = distinct.count { $0.access != .indexed }
        var perClass = [Int](repeating: 0, count: set.classes.count)
        for record in set.records { perClass[record.label] += 1 }
        clipsPerClass = perClass
        func range(_ value: (ClipRecord) -> Int) -> ClosedRange<Int> {
            let values = set.records.map(value)
            return (values.min() ?? 0)...(values.max() ?? 0)
        }
        frameCounts = range(\.frameCount)
        widths = range(\.width)
        heights = range(\.height)
        byteCounts = range(\.byteCount)
        var rates: [Int: Int] = [:]
        var codecs: [String: Int] = [:]
        let sample = min(opening, set.count)
        for i in 0..<sample {
            let rank = i * set.count / sample
            let record = set.records[rank]
            try set.withVideo(at: rank) { bytes in
                let video = try VideoReader(bytes, name: record.name, access: record.access)
                rates[Int((100 * video.frameRate).rounded()), default: 0] += 1
                codecs[video.codec, default: 0] += 1
            }
        }
        (opened, self.rates, self.codecs) = (sample, rates, codecs)
    }
}
