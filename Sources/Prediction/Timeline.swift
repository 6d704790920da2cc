/// What happens when in a long video: neighbouring clips with the same best class make one segment.
public struct Timeline: Sendable, Equatable {
    public struct Segment: Sendable, Equatable {
        /// Frames, ascending from one segment to the next without gaps.
        public var frames: Range<Int>
        public var label: Int
        /// The mean score of the label over the segment's clips.
        public var score: Double
        public var clips: Int
    }

    public let segments: [Segment]

    /// - Parameters:
    ///   - starts: first frames of the clips, ascending; at least one.
    ///   - span: source frames of a clip.
    ///   - frames: of the video.
    ///   - scores: for each clip its class scores; of equal ones the lower class counts.
    ///
    /// A frame belongs to the clip whose middle is nearest, so segments change half-way between two clips' middles.
    public init(starts: [Int], span: Int, frames: Int, scores: [[Double]]) {
        precondition(starts.count == scores.count && !starts.isEmpty, "\(starts.count) clips, \(scores.count) scores")
        var segments: [Segment] = []
        for (i, row) in scores.enumerated() {
            let label = TopClasses(row, count: 1).entries[0].label
            let end = i + 1 < starts.count ? min(frames, (starts[i] + starts[i + 1] + span + 1) / 2) : frames
            if var last = segments.last, last.label == label {
                last.score += (row[label] - last.score) / Double(last.clips + 1)
                last.clips += 1
                last.frames = last.frames.lowerBound..<max(last.frames.upperBound, end)
                segments[segments.count - 1] = last
            } else {
                let begin = segments.last?.frames.upperBound ?? 0
                segments.append(Segment(frames: begin..<max(begin, end), label: label, score: row[label], clips: 1))
            }
        }
        self.segments = segments.filter { !$0.frames.isEmpty }
    }

    /// The segment that shows at `frame`.
    public func segment(at frame: Int) -> Segment? { segments.first { $0.frames.contains(frame) } }
}

/// The best classes of a row of scores, best first; of equal scores the lower class comes first.
public struct TopClasses: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var label: Int
        public var score: Double

        public init(label: Int, score: Double) {
            self.label = label
            self.score = score
        }
    }

    public let entries: [Entry]

    /// - Parameter count: how many at most.
    public init(_ scores: [Double], count: Int) {
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        entries = order.prefix(count).map { Entry(label: $0, score: scores[$0]) }
    }
}
