import Evaluation
import Kernels
import Models
import Testing

struct VideoScoresTests {
    private func scores(classes: Int, _ videos: [(label: Int, logits: [Float])]) -> VideoScores.Result {
        var scores = VideoScores(classes: classes)
        for video in videos { video.logits.withUnsafeBufferPointer { _ = scores.add(label: video.label, logits: $0) } }
        return scores.result
    }

    @Test func countsClipsAndMeansOfSoftmax() {
        // Two clips say 1 a little, one says 0 firmly: more clips are right than the video's mean.
        let result = scores(
            classes: 2, [(1, [0, 0.1, 0, 0.1, 9, 0]), (0, [2, 1])])
        #expect(result == .init(videos: 2, clips: 4, clipTop1: 0.75, videoTop1: 0.5, videoTop5: 1))
    }

    @Test func scoresAreTheMeanSoftmax() {
        var scores = VideoScores(classes: 2)
        let logits: [Float] = [0, 0, 1, 0]  // 0.5, 0.5 and 0.7311, 0.2689
        let mean = logits.withUnsafeBufferPointer { scores.add(label: 0, logits: $0) }
        #expect(abs(mean[0] - 0.615529) < 1e-6)
        #expect(abs(mean[0] + mean[1] - 1) < 1e-12)
    }

    @Test func fifthCountsAndSixthDoesNot() {
        let falling: [Float] = [7, 6, 5, 4, 3, 2, 1]
        #expect(scores(classes: 7, [(4, falling)]).videoTop5 == 1)
        #expect(scores(classes: 7, [(5, falling)]).videoTop5 == 0)
        #expect(scores(classes: 7, [(4, falling)]).videoTop1 == 0)
    }

    @Test func tiesGoToTheLowerClassAndNothingIsWonByNotANumber() {
        #expect(scores(classes: 3, [(0, [1, 1, 1])]).clipTop1 == 1)
        #expect(scores(classes: 3, [(1, [1, 1, 1])]).videoTop1 == 0)
        let broken = scores(classes: 3, [(1, [.nan, .nan, .nan])])
        #expect((broken.clipTop1, broken.videoTop1, broken.videoTop5) == (0, 0, 0))
        #expect(scores(classes: 3, []) == .init(videos: 0, clips: 0, clipTop1: 0, videoTop1: 0, videoTop5: 0))
    }

    /// A network that says how bright the clip is: the loop hands each clip to it once, in groups that do not divide.
    @Test func evaluatesInGroups() throws {
        var net = NetworkBuilder(.vmz)
        let input = net.input(frames: 2, size: 3)
        _ = net.linear(net.globalAveragePool(input, "mean"), "head", out: 2)
        let network = net.network(named: "brightness")
        let pass = try InferencePass(network, N: 3, pool: ThreadPool(threads: 2), instructionSet: .best)
        pass.setParameter(0, [-1, -1, -1, 1, 1, 1])
        pass.setParameter(1, [0, 0])
        // Video v is bright when v is odd, but its last clip is not; video 2 cannot be read.
        var seen: [Int] = []
        let result = evaluate(pass, videos: 5, clipsPerVideo: 4) { number, clips -> Int? in
            guard number != 2 else { return nil }
            for i in clips.indices {
                clips[i] = (number % 2 == 1) != (i / network.input.count == 3) ? 2 : -2
            }
            return number % 2
        } onVideo: { number, scores in
            seen.append(number)
            #expect(scores[number % 2] > 0.7)
        }
        #expect(seen == [0, 1, 3, 4])
        #expect(result.result == .init(videos: 4, clips: 16, clipTop1: 0.75, videoTop1: 1, videoTop5: 1))
    }
}
