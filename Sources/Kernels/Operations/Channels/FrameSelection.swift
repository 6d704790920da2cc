/// Some frames of each clip, in the order asked for; a frame may be asked for several times.
public struct FrameSelection: Sendable {
    public let frames: [Int]
    /// Frames of the input, and values of each.
    public let T: Int
    public let count: Int
    private let kernels: MicroKernelTable

    public init(_ frames: [Int], C: Int, input: Extent3, instructionSet: InstructionSet) {
        precondition(frames.allSatisfy((0..<input.t).contains), "frames \(frames) of \(input.t)")
        self.frames = frames
        T = input.t
        count = input.h * input.w * C
        kernels = .table(for: instructionSet)
    }

    /// Writes `y`.
    public func forward(N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        pool.run(N * frames.count) { task in
            let (n, place) = (task / frames.count, task % frames.count)
            (y + task * count).update(from: x + (n * T + frames[place]) * count, count: count)
        }
    }

    /// Writes `dx`: zeros for frames that nobody asked for.
    public func backward(N: Int, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        pool.run(N * T) { task in
            let (n, t) = (task / T, task % T)
            let target = dx + task * count
            target.update(repeating: 0, count: count)
            for place in frames.indices where frames[place] == t {
                kernels.add(count, target, dy + (n * frames.count + place) * count, target)
            }
        }
    }
}
