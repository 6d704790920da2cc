import CIntrinsics
public import Faults

/// What the products of convolutions are computed in; sums, and everything else, are f32.
public enum Compute: String, Sendable, CaseIterable {
    case f32
    /// Factors are rounded to bfloat16.
    case bf16
}

/// The processor under us.
enum Processor {
    /// How it names itself.
    static let name: String = {
        withUnsafeTemporaryAllocation(byteCount: 52, alignment: 4) { memory in
            let text = memory.bindMemory(to: CChar.self)
            guard let base = text.baseAddress, zoetrope_processor_name(base) == 1 else { return "this processor" }
            return String(cString: base).split(separator: " ").joined(separator: " ")
        }
    }()
}

extension InstructionSet {
    /// The set that the names of a recipe or a command line ask for: `auto`, or one that this machine runs.
    ///
    /// - Parameters:
    ///   - isa: `auto` or a raw value; `isaKey` is where it stands, for faults.
    ///   - compute: A raw value of `Compute`, likewise.
    /// - Throws: a usage `Fault` for a name that is none, and for what this processor lacks.
    public static func choose(
        isa: String, _ isaKey: String, compute: String, _ computeKey: String
    ) throws(Fault) -> InstructionSet {
        guard let compute = Compute(rawValue: compute) else {
            throw Fault(
                .usage, computeKey, "'\(compute)' is not what we compute in",
                mend: advice(for: compute, among: Compute.allCases.map(\.rawValue)))
        }
        let names = ["auto"] + ofF32.map(\.rawValue)
        guard names.contains(isa), let asked = isa == "auto" ? best : InstructionSet(rawValue: isa) else {
            throw Fault(.usage, isaKey, "'\(isa)' is no instruction set", mend: advice(for: isa, among: names))
        }
        guard asked.isSupported else { throw asked.missing(isaKey, mend: "choose \(best.rawValue)") }
        guard compute == .bf16 else { return asked }
        guard isa == "auto" || asked == .avx512 else {
            throw Fault(
                .usage, "\(computeKey) bf16", "it is computed with avx512, not with \(isa)",
                mend: "leave \(isaKey) out, or choose f32")
        }
        guard avx512BF16.isSupported else {
            throw avx512BF16.missing(
                "\(computeKey) bf16", mend: "choose f32, which this processor computes with \(best.rawValue)")
        }
        return avx512BF16
    }

    /// That this processor lacks it.
    public func missing(_ thing: String, mend: String) -> Fault {
        let what = self == .avx512BF16 ? "\(rawValue), the instruction vdpbf16ps" : rawValue
        return Fault(.usage, thing, "\(Processor.name) lacks \(what)", mend: mend)
    }
}
