import Glibc
import Kernels
import Synchronization
import Testing

/// Memory for one tensor, 64-byte aligned, with guards behind it that show a write too far.
final class Tensor<Element: BinaryFloatingPoint & BitwiseCopyable> {
    let count: Int
    let pointer: UnsafeMutablePointer<Element>
    private static var guards: Int { 64 }

    init(_ count: Int, _ value: (Int) -> Element = { _ in -77 }) {
        self.count = count
        let bytes = (count + Self.guards) * MemoryLayout<Element>.stride
        pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: Element.self, capacity: count + Self.guards)
        for i in 0..<count + Self.guards { pointer[i] = i < count ? value(i) : 12345 }
    }

    deinit { freeLater(UnsafeMutableRawPointer(pointer)) }

    subscript(_ i: Int) -> Element { pointer[i] }

    /// The same numbers in f64.
    var doubled: Tensor<Double> { Tensor<Double>(count) { Double(pointer[$0]) } }

    /// Whether nobody wrote behind the end.
    var isIntact: Bool { (count..<count + Self.guards).allSatisfy { pointer[$0] == 12345 } }

    var bits: [Element] { (0..<count).map { pointer[$0] } }
}

/// Swift may end a tensor's life at its last mention, while a kernel still reads through its pointer: memory is freed
/// only when many more tensors than a test has have ended after it, on the same thread, which a test does not leave.
private func freeLater(_ memory: UnsafeMutableRawPointer) {
    let address = UInt(bitPattern: memory)
    let oldest = ended.withLock { $0[pthread_self(), default: Ended()].exchange(address) }
    UnsafeMutableRawPointer(bitPattern: oldest)?.deallocate()
}

private struct Ended {
    private var addresses: [UInt] = Array(repeating: 0, count: 200)
    private var next = 0

    /// - Returns: What was put here as many calls ago as there are places.
    mutating func exchange(_ address: UInt) -> UInt {
        defer { next = (next + 1) % addresses.count }
        let oldest = addresses[next]
        addresses[next] = address
        return oldest
    }
}

private let ended = Mutex<[pthread_t: Ended]>([:])

/// Numbers in -1..<1 that depend on the seed and the place only.
func noise(_ seed: Int, _ i: Int) -> Float {
    var z =
        UInt64(truncatingIfNeeded: i &+ 1) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: seed)
        &* 0xD1B5_4A32_D192_ED03
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(Int64(bitPattern: z) >> 40) / Float(1 << 23)
}

/// The norm of the difference over the norm of the truth.
func relativeError(_ ours: Tensor<Float>, _ truth: Tensor<Double>) -> Double {
    var (difference, norm) = (0.0, 0.0)
    for i in 0..<truth.count {
        let d = Double(ours[i]) - truth[i]
        difference += d * d
        norm += truth[i] * truth[i]
    }
    return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}

/// The instruction sets that this machine can test.
let supportedSets = InstructionSet.ofF32.filter(\.isSupported)
