public import Faults
import Storage
import Threads

/// What `zoetrope data synth` makes: videos of moving shapes whose classes no single frame tells apart.
public struct MotionDataSet: Sendable {
    /// The first of `MotionClass.allCases`: 2, 4, 6 or 8.
    public var classes: Int
    /// Training videos of each class; a quarter as many more, at least one, are for validation.
    public var clipsPerClass: Int
    /// Length of each video.
    public var seconds: Double
    /// Width and height in pixels.
    public var size: Int
    public var seed: UInt64
    /// Threads that paint, encode and check.
    public var threads = 1
    /// Called with how many of how many videos are written, from several threads.
    public var progress: (@Sendable (Int, Int) -> Void)?

    /// - Throws: a usage `Fault` when a value makes no sense.
    public init(classes: Int, clipsPerClass: Int, seconds: Double, size: Int, seed: UInt64) throws(Fault) {
        guard MotionClass.counts.contains(classes) else {
            throw Fault(
                .usage, "--classes \(classes)", "is not a number of motion classes", mend: "choose 2, 4, 6 or 8")
        }
        guard (1...100_000).contains(clipsPerClass) else {
            throw Fault(.usage, "--clips-per-class \(clipsPerClass)", "is out of range", mend: "choose 1 to 100000")
        }
        guard seconds.isFinite, seconds >= 0.1, seconds <= 600 else {
            throw Fault(.usage, "--seconds \(seconds)", "is out of range", mend: "choose 0.1 to 600")
        }
        guard size % 2 == 0, (16...2048).contains(size) else {
            throw Fault(
                .usage, "--size \(size)", "is not an even number of pixels from 16 to 2048",
                mend: "choose for example 64")
        }
        (self.classes, self.clipsPerClass, self.seconds, self.size, self.seed) =
            (classes, clipsPerClass, seconds, size, seed)
    }

    public var validationClipsPerClass: Int { max(1, clipsPerClass / 4) }

    /// Writes `videos/`, `train.csv`, `val.csv` and the packed splits into `directory`.
    /// - Returns: what packing did, by split.
    /// - Throws: a usage `Fault` where something else is in the folder than an earlier motion data set.
    public func write(into directory: String) throws -> (train: PackReport, val: PackReport) {
        let kinds = Array(MotionClass.allCases.prefix(classes))
        if try fileKind(directory) == .directory, try !directoryNames(directory).isEmpty,
            !pathExists("\(directory)/videos/\(kinds[0].name)")
        {
            throw Fault(
                .usage, directory, "holds something else than a motion data set, whose lists it would replace",
                mend: "choose a new folder with --out")
        }
        for kind in kinds { try makeDirectories("\(directory)/videos/\(kind.name)") }
        let train = videos(kinds, split: "train", count: clipsPerClass)
        let val = videos(kinds, split: "val", count: validationClipsPerClass)
        try make(train + val, in: directory)
        var options = PackOptions()
        options.classes = kinds.map(\.name)
        options.profile = "motion, \(size)x\(size), \(frames) frames, \(motionFramesPerSecond) fps, seed \(seed)"
        options.threads = threads
        let reports = try [("train", train), ("val", val)].map { split, videos in
            let path = "\(directory)/\(split).csv"
            try writeWhole(Self.list(videos), to: path)
            return try pack(try ClipList(path: path), split: split, into: directory, options: options)
        }
        return (reports[0], reports[1])
    }

    private var frames: Int { max(1, Int(seconds * Double(motionFramesPerSecond) + 0.5)) }

    private struct Video: Sendable {
        let kind: MotionClass
        let number: UInt64
        let file: String
    }

    private func videos(_ kinds: [MotionClass], split: String, count: Int) -> [Video] {
        kinds.flatMap { kind in
            (0..<count).map { i in
                // A number of its own for every video of every class and split.
                let number = UInt64(split == "train" ? 0 : 1) << 40 | UInt64(kind.rawValue) << 32 | UInt64(i)
                return Video(kind: kind, number: number, file: "videos/\(kind.name)/\(split)-\(i).mp4")
            }
        }
    }

    private func make(_ videos: [Video], in directory: String) throws {
        let done = Counter()
        let failures = mapOnThreads(name: "motion", count: videos.count, threads: threads) { [self] i -> Fault? in
            defer { progress?(done.increment(), videos.count) }
            do throws(Fault) {
                let bytes = try motionVideo(
                    videos[i].kind, seed: seed, number: videos[i].number, frames: frames, size: size)
                try writeVideo(bytes, to: "\(directory)/\(videos[i].file)")
                return nil
            } catch { return error }
        }
        if let failure = failures.compactMap(\.self).first { throw failure }
    }

    private static func list(_ videos: [Video]) -> String {
        "org_video,label\n" + videos.map { "\($0.file),\($0.kind.rawValue)\n" }.joined()
    }
}
