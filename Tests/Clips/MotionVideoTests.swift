import Clips
import Glibc
import Storage
import Testing
import Video

@Suite struct MotionVideoTests {
    private let size = 32

    private func pictures(_ kind: MotionClass, number: UInt64, frames: [Int]) throws -> [[UInt8]] {
        let bytes = try motionVideo(kind, seed: 4, number: number, frames: 12, size: size)
        var pictures: [[UInt8]] = []
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: "\(kind)")
            try video.decode(frames, width: size, height: size) { _, frame in pictures.append(frame.bytes) }
        }
        return pictures
    }

    /// What a frame shows is drawn before the class has its say: at the start all classes show the same picture.
    @Test(arguments: 0..<UInt64(4)) func theFirstFrameIsTheSameInEveryClass(number: UInt64) throws {
        let firsts = try MotionClass.allCases.map { try pictures($0, number: number, frames: [0])[0] }
        #expect(Set(firsts).count == 1)
        let later = try MotionClass.allCases.map { try pictures($0, number: number, frames: [5])[0] }
        #expect(Set(later).count == MotionClass.allCases.count)
    }

    /// The shift that fits two frames best points where the class says, in nearly all of the videos.
    @Test(arguments: [(MotionClass.left, -1, 0), (.right, 1, 0), (.up, 0, -1), (.down, 0, 1)])
    func thingsMoveWhereTheirClassSays(kind: MotionClass, x: Int, y: Int) throws {
        var right = 0
        for number in 0..<UInt64(10) {
            let pair = try pictures(kind, number: number, frames: [2, 4])
            let best = shifts.min { mismatch(pair, $0) < mismatch(pair, $1) } ?? (0, 0)
            if best.0.signum() == x, best.1.signum() == y { right += 1 }
        }
        #expect(right >= 8, "\(kind): \(right) of 10")
    }

    private var shifts: [(Int, Int)] { (-5...5).flatMap { [($0, 0), (0, $0)] }.filter { $0 != (0, 0) } }

    /// How many bytes differ much when the second picture is the first one moved by `shift` on the torus.
    private func mismatch(_ pair: [[UInt8]], _ shift: (Int, Int)) -> Int {
        var sum = 0
        for y in 0..<size {
            for x in 0..<size {
                let from = ((y - shift.1 + size) % size * size + (x - shift.0 + size) % size) * 3
                let to = (y * size + x) * 3
                for c in 0..<3 where abs(Int(pair[0][from + c]) - Int(pair[1][to + c])) > 40 { sum += 1 }
            }
        }
        return sum
    }

    @Test func elementaryFunctionsAgreeWithTheLibrary() {
        for i in -1000...1000 {
            let turns = Double(i) * 0.0137
            let (cosine, sine) = Elementary.rotation(turns: turns)
            #expect(abs(cosine - cos(2 * .pi * turns)) < 1e-11)
            #expect(abs(sine - sin(2 * .pi * turns)) < 1e-11)
            let x = Double(i) * 0.0029
            #expect(abs(Elementary.exponential(x) / exp(x) - 1) < 1e-9)
        }
    }
}
