import Prediction
import Testing

@Suite struct TimelineTests {
    @Test func neighboursOfOneClassAreOneSegment() {
        let timeline = Timeline(
            starts: [0, 4, 8, 12], span: 8, frames: 20,
            scores: [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6]])
        // Middles at 4, 8, 12, 16: the class changes half-way between 8 and 12.
        #expect(timeline.segments.map(\.frames) == [0..<10, 10..<20])
        #expect(timeline.segments.map(\.label) == [0, 1])
        #expect(timeline.segments.map(\.clips) == [2, 2])
        #expect(abs(timeline.segments[0].score - 0.8) < 1e-12 && abs(timeline.segments[1].score - 0.7) < 1e-12)
        #expect(timeline.segment(at: 9)?.label == 0 && timeline.segment(at: 10)?.label == 1)
        #expect(timeline.segment(at: 20) == nil)
    }

    /// Segments cover every frame once, whatever the clips.
    @Test(arguments: [(1, 5, 2), (7, 16, 4), (33, 8, 3), (100, 9, 50)])
    func segmentsCoverTheVideo(frames: Int, span: Int, step: Int) {
        let starts = Array(stride(from: 0, through: max(0, frames - span), by: step))
        let scores = starts.map { [Double($0 / 3 % 2), 0.5] }
        var next = 0
        for segment in Timeline(starts: starts, span: span, frames: frames, scores: scores).segments {
            #expect(segment.frames.lowerBound == next)
            next = segment.frames.upperBound
        }
        #expect(next == frames)
    }

    @Test func ofEqualScoresTheLowerClassComesFirst() {
        #expect(TopClasses([0.2, 0.4, 0.4], count: 2).entries.map(\.label) == [1, 2])
        #expect(TopClasses([0.2], count: 5).entries.count == 1)
    }
}
