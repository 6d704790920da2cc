import Faults
import Foundation
import Kernels
import Launch
import Protocol
import Video

/// One thing of this machine that a doctor looks at.
struct MachineFinding {
    var what: String
    var value: String
    /// Nil when all is well.
    var mend: String?

    /// What is installed, and what the system allows.
    static func installed() -> [MachineFinding] { [openFiles(), openBLAS(), libraries(), encryption(), ports()] }

    static func processor() -> MachineFinding {
        let cores = computeThreads(0)
        let all = Cores.available.count
        let short = cores < all ? " (of \(all): the control group has no time for more)" : ""
        let best = InstructionSet.best
        let peak = Int(measurePeak(instructionSet: best, threads: cores).rounded())
        return MachineFinding(
            what: "processor",
            value: "\(cores) cores\(short), \(best.rawValue), \(peak) GFLOP/s of f32 multiply-adds, "
                + (InstructionSet.avx512BF16.isSupported ? "bf16" : "no bf16"),
            mend: best == .baseline ? withoutAVX2 : nil)
    }

    static let withoutAVX2 = "kernels run several times slower without AVX2: use another machine"

    static func memory() -> MachineFinding {
        let bytes = memoryOfMachine()
        let needed = ClusterCheckup.Limits().memory
        return MachineFinding(
            what: "memory", value: "\(bytes >> 20) MiB",
            mend: bytes < needed ? "a worker of R(2+1)D-18 needs about \(needed >> 20) MiB" : nil)
    }

    private static func openFiles() -> MachineFinding {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return MachineFinding(
            what: "open files", value: "at most \(limit.rlim_cur)",
            mend: limit.rlim_cur < 1024 ? "raise it: ulimit -n 4096" : nil)
    }

    private static func openBLAS() -> MachineFinding {
        switch OpenBLAS.shared {
        case .success(let library):
            let wanted = ["avx512": "SkylakeX", "avx2": "Haswell"][InstructionSet.best.rawValue]
            let isRight = wanted == nil || library.core.lowercased() == wanted?.lowercased()
            return MachineFinding(
                what: "OpenBLAS", value: "core type \(library.core)",
                mend: isRight ? nil : "it should be \(wanted ?? ""): is another OpenBLAS preloaded?")
        case .failure(let fault): return MachineFinding(what: "OpenBLAS", value: fault.reason, mend: fault.mend)
        }
    }

    private static func libraries() -> MachineFinding {
        MachineFinding(
            what: "libraries", value: "ZeroMQ \(ZeroMQLibrary.version), \(VideoLibraries.versions)", mend: nil)
    }

    private static func encryption() -> MachineFinding {
        do {
            try ZeroMQLibrary.requireCurve()
            return MachineFinding(what: "encryption", value: "CURVE by libsodium", mend: nil)
        } catch { return MachineFinding(what: "encryption", value: error.reason, mend: error.mend) }
    }

    private static func ports() -> MachineFinding {
        do {
            let listener = try Listener(try Context(), endpoint: "tcp://127.0.0.1:*")
            return MachineFinding(what: "ports", value: "\(listener.endpoint) could be opened", mend: nil)
        } catch { return MachineFinding(what: "ports", value: error.reason, mend: error.mend) }
    }
}
