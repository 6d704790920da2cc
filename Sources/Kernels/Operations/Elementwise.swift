/// Passes over whole activations where no neighbour can take them along. All are memory-bound.
public struct Elementwise: Sendable {
    public let instructionSet: InstructionSet

    public init(instructionSet: InstructionSet) { self.instructionSet = instructionSet }

    /// `y = max(x, 0)`; `y` may be `x`.
    public func relu(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        blocks(count, pool) { for i in $0 { y[i] = max(x[i], 0) } }
    }

    /// `dx = dy` where `y > 0`, else 0; `dx` may be `dy`.
    public func reluBackward(
        count: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { for i in $0 { dx[i] = y[i] > 0 ? dy[i] : 0 } }
    }

    /// `y = a + b`; `y` may be either.
    public func add(
        count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { for i in $0 { y[i] = a[i] + b[i] } }
    }

    private func blocks(_ count: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void) {
        let block = 1 << 14
        pool.run((count + block - 1) / block) { body($0 * block..<min(($0 + 1) * block, count)) }
    }
}
