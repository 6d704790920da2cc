import ArgumentParser
import Faults
import Foundation
import Kernels
import Protocol
import Reporting
import Storage
import Video

/// `zoetrope doctor`.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong with this machine, and how to mend it.",
        discussion: "Exit code 0 when nothing is wrong, 64 otherwise.")
    @OptionGroup var result: ResultOptions

    /// One thing looked at.
    private struct Finding {
        var what: String
        var value: String
        /// Nil when all is well.
        var mend: String?
    }

    func run() throws {
        let findings = [processor(), memory(), openFiles(), openBLAS(), libraries(), encryption(), ports()]
        let lines = findings.map { finding in
            "\(finding.mend == nil ? "ok  " : "MEND") \(padded(finding.what, 11)) \(finding.value)"
                + (finding.mend.map { "\n     \($0)" } ?? "")
        }
        result.report(
            .array(
                findings.map { finding in
                    [
                        "what": .string(finding.what), "value": .string(finding.value),
                        "ok": .boolean(finding.mend == nil),
                        "mend": finding.mend.map(JSON.string) ?? .null,
                    ]
                }), text: lines.joined(separator: "\n"))
        if let wrong = findings.first(where: { $0.mend != nil }) {
            throw Fault(.usage, wrong.what, wrong.value, mend: wrong.mend ?? "")
        }
    }

    private func processor() -> Finding {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let best = InstructionSet.best
        let peak = Int(measurePeak(instructionSet: best, threads: cores).rounded())
        return Finding(
            what: "processor",
            value: "\(cores) cores, \(best.rawValue), \(peak) GFLOP/s of f32 multiply-adds, "
                + (InstructionSet.avx512BF16.isSupported ? "bf16" : "no bf16"),
            mend: best == .baseline ? "kernels run several times slower without AVX2: use another machine" : nil)
    }

    private func memory() -> Finding {
        let bytes = ProcessInfo.processInfo.physicalMemory
        return Finding(
            what: "memory", value: "\(bytes >> 20) MiB",
            mend: bytes < 2 << 30 ? "a worker of R(2+1)D-18 needs about 2 GiB" : nil)
    }

    private func openFiles() -> Finding {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Finding(
            what: "open files", value: "at most \(limit.rlim_cur)",
            mend: limit.rlim_cur < 1024 ? "raise it: ulimit -n 4096" : nil)
    }

    private func openBLAS() -> Finding {
        switch OpenBLAS.shared {
        case .success(let library):
            let wanted = ["avx512": "SkylakeX", "avx2": "Haswell"][InstructionSet.best.rawValue]
            let isRight = wanted == nil || library.core.lowercased() == wanted?.lowercased()
            return Finding(
                what: "OpenBLAS", value: "core type \(library.core)",
                mend: isRight ? nil : "it should be \(wanted ?? ""): is another OpenBLAS preloaded?")
        case .failure(let fault): return Finding(what: "OpenBLAS", value: fault.reason, mend: fault.mend)
        }
    }

    private func libraries() -> Finding {
        Finding(what: "libraries", value: "ZeroMQ \(ZeroMQLibrary.version), \(VideoLibraries.versions)", mend: nil)
    }

    private func encryption() -> Finding {
        do {
            try ZeroMQLibrary.requireCurve()
            return Finding(what: "encryption", value: "CURVE by libsodium", mend: nil)
        } catch { return Finding(what: "encryption", value: error.reason, mend: error.mend) }
    }

    private func ports() -> Finding {
        do {
            let listener = try Listener(try Context(), endpoint: "tcp://127.0.0.1:*")
            return Finding(what: "ports", value: "\(listener.endpoint) could be opened", mend: nil)
        } catch { return Finding(what: "ports", value: error.reason, mend: error.mend) }
    }
}
