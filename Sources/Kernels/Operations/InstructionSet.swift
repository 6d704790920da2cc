import CIntrinsics

/// The instruction sets that the micro-kernels are compiled for, from one source; a run fixes one at step 0.
public enum InstructionSet: String, Sendable, CaseIterable, Comparable {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
    case baseline
    /// x86-64-v3: AVX2 and FMA.
    case avx2
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    case avx512
    /// The same with AVX512-BF16: convolutions of factors rounded to bfloat16 wherever those are worth it, the rest as
    /// with `avx512`. Other bits, so nobody gets it who did not ask for `Compute.bf16`.
    case avx512BF16 = "avx512_bf16"

    /// Whether this processor and this system can run it.
    public var isSupported: Bool {
        switch self {
        case .baseline: true
        case .avx2: zoetrope_has_avx2() == 1
        case .avx512: zoetrope_has_avx512() == 1
        case .avx512BF16: zoetrope_has_avx512_bf16() == 1
        }
    }

    /// The widest of f32 that this machine runs.
    public static var best: InstructionSet { ofF32.last { $0.isSupported } ?? .baseline }

    /// Those that compute all in f32, the widest last.
    public static let ofF32: [InstructionSet] = [.baseline, .avx2, .avx512]

    /// The one whose f32 kernels it has.
    var inF32: InstructionSet { self == .avx512BF16 ? .avx512 : self }

    /// What the products of its convolutions are computed in.
    public var compute: Compute { self == .avx512BF16 ? .bf16 : .f32 }

    public static func < (a: InstructionSet, b: InstructionSet) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .baseline: 0
        case .avx2: 1
        case .avx512: 2
        case .avx512BF16: 3
        }
    }
}
