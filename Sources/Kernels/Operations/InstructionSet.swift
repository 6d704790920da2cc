import CIntrinsics

/// The instruction sets that the micro-kernels are compiled for, from one source; a run fixes one at step 0.
public enum InstructionSet: String, Sendable, CaseIterable, Comparable {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
    case baseline
    /// x86-64-v3: AVX2 and FMA.
    case avx2
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    case avx512

    /// Whether this processor and this system can run it.
    public var isSupported: Bool {
        switch self {
        case .baseline: true
        case .avx2: zoetrope_has_avx2() == 1
        case .avx512: zoetrope_has_avx512() == 1
        }
    }

    /// The widest of f32 that this machine runs.
    public static var best: InstructionSet { allCases.last { $0.isSupported } ?? .baseline }

    public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .baseline: 0
        case .avx2: 1
        case .avx512: 2
        }
    }
}
