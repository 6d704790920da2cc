import Randomness

/// One video of the motion data set as numbers: a background, a few shapes, and how they move.
///
/// At every moment each shape's position is uniform on a torus, its orientation uniform, and its size and opacity a
/// function of a uniform phase, **in every class**: the classes differ only in how these change from frame to frame.
/// So a single frame has the same distribution in all of them. Shapes leave one edge and come in at the other; a growing
/// shape fades out at its largest and fades in again at its smallest.
struct MotionScene {
    static let shapeCount = 3
    /// Half the size of a shape, in image sizes.
    private static let smallest = 0.13
    private static let logarithmOfRange = 1.1  // the largest is 3.0 times as large

    /// A shape at one moment, in image sizes and pixels' axes.
    struct Pose {
        let shape: Int
        let x: Double
        let y: Double
        let halfSize: Double
        let cosine: Double
        let sine: Double
        /// 0 to 1.
        let opacity: Double
    }

    let looks: [ShapeLook]
    let background: Background
    private let motion: Motion
    private let starts: [(x: Double, y: Double, turn: Double)]
    private let phase: Double

    /// - Parameter number: which video; two videos of any split or class must differ in it.
    init(_ motionClass: MotionClass, seed: UInt64, number: UInt64) {
        let draws = Draws(seed: seed, place: number, purpose: .synthesis)
        func uniform(_ i: Int) -> Double { Double(draws.uniform(i)) }
        motion = Motion(motionClass, speed: uniform(0))
        phase = uniform(1)
        starts = (0..<Self.shapeCount).map { (uniform(8 + 4 * $0), uniform(9 + 4 * $0), uniform(10 + 4 * $0)) }
        looks = (0..<Self.shapeCount).map { ShapeLook(draws, at: 32 + 16 * $0) }
        background = Background(draws, at: 128)
    }

    /// Where the shapes are at frame `t`, those behind first.
    func poses(at t: Int) -> [Pose] {
        let time = Double(t)
        let phases = (0..<Self.shapeCount).map {
            wrapped(phase + Double($0) / Double(Self.shapeCount) + motion.growth * time)
        }
        // The larger is the nearer.
        return (0..<Self.shapeCount).sorted { phases[$0] < phases[$1] }.map { i in
            let (cosine, sine) = Elementary.rotation(turns: starts[i].turn + motion.turn * time)
            let phase = phases[i]
            return Pose(
                shape: i, x: wrapped(starts[i].x + motion.x * time), y: wrapped(starts[i].y + motion.y * time),
                halfSize: Self.smallest * Elementary.exponential(Self.logarithmOfRange * phase), cosine: cosine,
                sine: sine, opacity: min(1, 8 * min(phase, 1 - phase)))
        }
    }

    private func wrapped(_ x: Double) -> Double { x - x.rounded(.down) }
}
