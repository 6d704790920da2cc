public import Models

/// Scores videos clip by clip: `video` loads a video's clips and tells its label, for each number in 0..<videos.
///
/// - Parameters:
///   - pass: with the parameters and running statistics of a checkpoint set; its N clips are run at a time.
///   - clipsPerVideo: how many clips `video` loads, T H W C each, one after the other.
///   - video: returns nil for a video that cannot be read, which is then left out.
///   - onVideo: gets each video's number and its scores, the mean softmax over its clips.
public func evaluate<Failure: Error>(
    _ pass: InferencePass, videos: Int, clipsPerVideo: Int,
    video: (_ number: Int, _ clips: UnsafeMutableBufferPointer<Float>) throws(Failure) -> Int?,
    onVideo: (_ number: Int, _ scores: [Double]) throws(Failure) -> Void = { _, _ in }
) throws(Failure) -> VideoScores {
    precondition(clipsPerVideo >= 1, "\(clipsPerVideo) clips of each video")
    let classes = pass.network.classes
    let size = pass.network.input.count
    let clips = UnsafeMutableBufferPointer<Float>.allocate(capacity: clipsPerVideo * size)
    defer { clips.deallocate() }
    clips.initialize(repeating: 0)
    var logits = [Float](repeating: 0, count: clipsPerVideo * classes)
    var scores = VideoScores(classes: classes)
    for number in 0..<videos {
        guard let label = try video(number, clips) else { continue }
        for first in stride(from: 0, to: clipsPerVideo, by: pass.N) {
            let count = min(pass.N, clipsPerVideo - first)
            _ = pass.input.update(fromContentsOf: clips[first * size..<(first + count) * size])
            let out = pass.run(clips: count)
            for i in out.indices { logits[first * classes + i] = out[i] }
        }
        try onVideo(number, logits.withUnsafeBufferPointer { scores.add(label: label, logits: $0) })
    }
    return scores
}
