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
        guard let asked = isa == "auto" ? best : InstructionSet(rawValue: isa) else {
            throw Fault(
                .usage, isaKey, "'\(isa)' is no instruction set",
                mend: advice(for: isa, among: ["auto"] + allCases.map(\.rawValue)))
        }
        guard asked.isSupported else {
            throw Fault(.usage, isaKey, "\(Processor.name) lacks \(isa)", mend: "choose \(best.rawValue)")
        }
        if compute == .bf16 { try refuseBF16(computeKey) }
        return asked
    }

    private static func refuseBF16(_ key: String) throws(Fault) {
        guard zoetrope_has_avx512_bf16() == 1 else {
            throw Fault(
                .usage, "\(key) bf16", "\(Processor.name) lacks avx512_bf16, the instruction vdpbf16ps",
                mend: "choose f32, which this processor computes with \(best.rawValue)")
        }
        throw Fault(.usage, "\(key) bf16", "this version computes in f32 only", mend: "choose f32")
    }
}
