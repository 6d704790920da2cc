public import Faults
import Glibc

/// The single-precision matrix product of the system's OpenBLAS, on one thread: a yardstick, and an implementation of
/// `Linear` by name.
///
/// Left to itself Debian's library takes some AVX-512 processors for a Haswell, and its environment variable is read
/// when it is loaded: so it is opened here, after the variable has been set. There is one library and one core type in a
/// process.
public struct OpenBLAS: Sendable {
    private typealias Product =
        @convention(c) (
            _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
            _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int32, _ b: UnsafePointer<Float>, _ ldb: Int32,
            _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
        ) -> Void

    /// What the library says its core is, such as `SkylakeX`.
    public let core: String
    public let instructionSet: InstructionSet
    private let product: Product

    /// The library, opened once for the best instruction set that this machine has.
    public static let shared = Result { () throws(Fault) in try OpenBLAS(instructionSet: .best) }

    private init(instructionSet: InstructionSet) throws(Fault) {
        let core =
            switch instructionSet {
            case .baseline: "Prescott"
            case .avx2: "Haswell"
            case .avx512, .avx512BF16: "SkylakeX"
            }
        #if arch(x86_64)
            setenv("OPENBLAS_CORETYPE", core, 1)
        #endif
        guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
            throw Fault(
                .usage, "libopenblas.so.0", dlerror().map { String(cString: $0) } ?? "it cannot be loaded",
                mend: "install the package libopenblas0")
        }
        func symbol(_ name: String) throws(Fault) -> UnsafeMutableRawPointer {
            guard let address = dlsym(library, name) else {
                throw Fault(.usage, "libopenblas.so.0", "it has no function \(name)", mend: "install libopenblas0")
            }
            return address
        }
        typealias SetThreads = @convention(c) (Int32) -> Void
        typealias CoreName = @convention(c) () -> UnsafePointer<CChar>
        unsafeBitCast(try symbol("openblas_set_num_threads"), to: SetThreads.self)(1)
        self.core = String(cString: unsafeBitCast(try symbol("openblas_get_corename"), to: CoreName.self)())
        product = unsafeBitCast(try symbol("cblas_sgemm"), to: Product.self)
        self.instructionSet = instructionSet
    }

    /// `c[m][n] = a[m][k] b[k][n]`, rows one after the other; `transposingA`: a is `[k][m]`; `transposingB`: b is `[n][k]`.
    public func multiply(
        m: Int, n: Int, k: Int, a: UnsafePointer<Float>, transposingA: Bool = false, b: UnsafePointer<Float>,
        transposingB: Bool = false, c: UnsafeMutablePointer<Float>
    ) {
        let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
        product(
            rowMajor, transposingA ? transposed : plain, transposingB ? transposed : plain, Int32(m), Int32(n),
            Int32(k), 1, a, Int32(transposingA ? m : k), b, Int32(transposingB ? k : n), 0, c, Int32(n))
    }
}
