import Foundation
import Testing

/// The program on a processor that this machine need not be: an emulated Haswell, which has AVX2 and no AVX-512.
@Suite struct EmulatedProcessorTests {
    private static let emulator = "/usr/bin/qemu-x86_64"
    private static let bench = [
        "bench", "step", "--model", "r2plus1d-10", "--batch", "1", "--frames", "4", "--size", "28", "--threads", "1",
        "--runs", "1", "--json",
    ]

    #if arch(x86_64)
        /// Two steps of training, Winograd's convolution wherever it is possible: an instruction of a newer processor
        /// would end it, and another order of operations would change the loss.
        @Test(.timeLimit(.minutes(10))) func anOlderProcessorTrainsToTheSameBits() throws {
            try #require(
                FileManager.default.isExecutableFile(atPath: Self.emulator),
                "\(Self.emulator) is missing: apt-get install qemu-user, or make setup")
            for convolution in ["direct", "winograd"] {
                let choice = ["--convolution", convolution]
                let emulated = try Program.start(
                    ["-cpu", "Haswell", Program.path] + Self.bench + choice, with: Self.emulator
                ).wait()
                try #require(emulated.status == 0, "\(emulated.errors)")
                #expect(emulated.json["isa"] as? String == "avx2", "\(emulated.output)")
                let native = try Program.start(Self.bench + choice + ["--isa", "avx2"]).wait()
                try #require(native.status == 0, "\(native.errors)")
                let loss = try #require(native.json["loss"] as? Double, "\(native.output)")
                #expect(emulated.json["loss"] as? Double == loss, "\(convolution)")
                #expect(loss.isFinite && loss > 0)
            }
        }
    #endif
}
