/// Passes over whole activations where no neighbour can take them along. All are memory-bound.
public struct Elementwise: Sendable {
    private let kernels: MicroKernelTable
    private let activations: ActivationKernels

    public init(instructionSet: InstructionSet) {
        kernels = .table(for: instructionSet)
        activations = .table(for: instructionSet)
    }

    /// `y = max(x, 0)`; `y` may be `x`.
    public func relu(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        blocks(count, pool) { begin, count in kernels.relu(count, x + begin, y + begin) }
    }

    /// `dx = dy` where `y > 0`, else 0; `dx` may be `dy`.
    public func reluBackward(
        count: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { begin, count in kernels.reluBackward(count, y + begin, dy + begin, dx + begin) }
    }

    /// `y = x sigmoid(x)`; `y` may be `x`.
    public func swish(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        blocks(count, pool) { begin, count in activations.swish(count, x + begin, y + begin) }
    }

    /// `dx = dy` times the slope of Swish at `x`; `dx` may be `dy`.
    public func swishBackward(
        count: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { begin, count in activations.swishBackward(count, x + begin, dy + begin, dx + begin) }
    }

    /// `y = 1 / (1 + e^-x)`; `y` may be `x`.
    public func sigmoid(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        blocks(count, pool) { begin, count in activations.sigmoid(count, x + begin, y + begin) }
    }

    /// `dx = dy y (1 - y)`, y being the sigmoid's output; `dx` may be `dy`.
    public func sigmoidBackward(
        count: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { begin, count in activations.sigmoidBackward(count, y + begin, dy + begin, dx + begin) }
    }

    /// `y = a + b`; `y` may be either.
    public func add(
        count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        blocks(count, pool) { begin, count in kernels.add(count, a + begin, b + begin, y + begin) }
    }

    private func blocks(_ count: Int, _ pool: ThreadPool, _ body: (_ begin: Int, _ count: Int) -> Void) {
        let block = 1 << 15
        pool.run((count + block - 1) / block) { body($0 * block, min(block, count - $0 * block)) }
    }
}
