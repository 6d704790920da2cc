/// Paints the frames of a scene: background, then shapes, four samples a pixel.
struct ScenePainter {
    private let scene: MotionScene
    private let size: Int
    private let background: [SIMD3<Float>]
    private var canvas: [SIMD3<Float>]

    /// - Parameter size: of the square picture, in pixels.
    init(_ scene: MotionScene, size: Int) {
        self.scene = scene
        self.size = size
        background = (0..<size * size).map { scene.background.color($0 % size, $0 / size, size: size) }
        canvas = background
    }

    /// Frame `t` as `size` × `size` RGB bytes.
    mutating func paint(_ t: Int, into rgb: UnsafeMutableBufferPointer<UInt8>) {
        precondition(rgb.count == 3 * size * size)
        canvas.withUnsafeMutableBufferPointer { canvas in
            _ = canvas.update(fromContentsOf: background)
            for pose in scene.poses(at: t) { Self.paint(pose, scene.looks[pose.shape], size, canvas) }
            for i in canvas.indices {
                for c in 0..<3 { rgb[3 * i + c] = UInt8(max(0, min(255, canvas[i][c] + 0.5))) }
            }
        }
    }

    private static func paint(
        _ pose: MotionScene.Pose, _ look: ShapeLook, _ size: Int, _ canvas: UnsafeMutableBufferPointer<SIMD3<Float>>
    ) {
        let pixels = Float(size)
        let (centerX, centerY) = (Float(pose.x) * pixels, Float(pose.y) * pixels)
        let half = Float(pose.halfSize) * pixels
        let (cosine, sine) = (Float(pose.cosine) / half, Float(pose.sine) / half)
        let opacity = Float(pose.opacity)
        // A shape reaches 1.2 half sizes from its centre: a square's corner.
        let reach = Int(1.25 * half) + 1
        let (column, row) = (Int(centerX), Int(centerY))
        for y in row - reach...row + reach {
            let line = (y + size) % size * size
            for x in column - reach...column + reach {
                var sum = SIMD3<Float>()
                var covered: Float = 0
                for sample in 0..<4 {
                    let dx = Float(x) + (sample & 1 == 0 ? 0.25 : 0.75) - centerX
                    let dy = Float(y) + (sample & 2 == 0 ? 0.25 : 0.75) - centerY
                    if let color = look.color(cosine * dx + sine * dy, cosine * dy - sine * dx) {
                        sum += color
                        covered += 1
                    }
                }
                guard covered > 0 else { continue }
                let pixel = line + (x + size) % size
                let alpha = opacity * covered / 4
                canvas[pixel] = canvas[pixel] * (1 - alpha) + sum / covered * alpha
            }
        }
    }
}
