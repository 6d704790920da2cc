import Faults
import Foundation
import Kernels
import Testing

@Suite struct InstructionSetTests {
    private func choose(_ isa: String, _ compute: String) throws(Fault) -> InstructionSet {
        try .choose(isa: isa, "--isa", compute: compute, "--dtype")
    }

    private func fault(_ isa: String, _ compute: String) -> String {
        do throws(Fault) { return "\(try choose(isa, compute)) was chosen" } catch { return "\(error)" }
    }

    @Test func namesAreChosenOrRefused() throws {
        #expect(try choose("auto", "f32") == .best)
        #expect(try choose("baseline", "f32") == .baseline)
        #expect(fault("avx521", "f32") == "--isa: 'avx521' is no instruction set; did you mean 'avx512'?")
        #expect(fault("auto", "bf61") == "--dtype: 'bf61' is not what we compute in; did you mean 'bf16'?")
    }

    #if arch(x86_64)
        /// What the system says of the first processor: a key of /proc/cpuinfo.
        private func system(_ key: String) throws -> String {
            let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(key) })
            return line.split(separator: ":").dropFirst().joined(separator: ":").trimmingCharacters(in: .whitespaces)
        }

        @Test func bf16IsRefusedByTheNameOfTheProcessorThatLacksIt() throws {
            let has = try system("flags").split(separator: " ").contains("avx512_bf16")
            guard !has else { return }
            let name = try system("model name").split(separator: " ").joined(separator: " ")
            #expect(
                fault("auto", "bf16")
                    == "--dtype bf16: \(name) lacks avx512_bf16, the instruction vdpbf16ps; "
                    + "choose f32, which this processor computes with \(InstructionSet.best.rawValue)")
        }
    #endif
}
