/// Where the clips of a video begin.
public enum ClipStarts: Sendable, Equatable {
    /// So many, from the first that fits to the last, evenly: VMZ's uniform sampling, in Caffe2's f32 arithmetic, so that
    /// these are the clips that `zoetrope test` takes.
    case uniform(Int)
    /// One every so many frames, and one that ends with the video.
    case sliding(every: Int)

    /// The first frames of the clips, ascending.
    ///
    /// - Parameters:
    ///   - frames: of the video, 1 or more.
    ///   - span: source frames from a clip's first to its last, both counted. A video that is shorter has one clip with
    ///     `sliding`, and all of `uniform`'s at its beginning.
    public func starts(frames: Int, span: Int) -> [Int] {
        precondition(frames >= 1 && span >= 1, "clips of \(span) frames in \(frames)")
        let room = max(0, frames - span)
        switch self {
        case .uniform(let count):
            precondition(count >= 1, "\(count) clips")
            let step = count > 1 ? Float(room) / Float(count - 1) : 0
            return (0..<count).map { Int((Float($0) * step).rounded(.down)) }
        case .sliding(let step):
            precondition(step >= 1, "a clip every \(step) frames")
            let regular = Array(stride(from: 0, through: room, by: step))
            return regular.last == room ? regular : regular + [room]
        }
    }
}
