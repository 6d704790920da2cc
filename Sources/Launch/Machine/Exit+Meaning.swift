public import Faults

extension Exit: CustomStringConvertible {
    /// Of what could not be started: a program that is not there will not be there the next time, descriptors may be.
    public init(notStarted fault: Fault) { self = fault.code == .usage ? .code(127) : .notStarted }

    /// As a shell gives it.
    var asCode: Int32 {
        switch self {
        case .code(let code): code
        case .signal(let number): 128 + number
        case .lost: 255
        // EX_OSERR.
        case .notStarted: 71
        }
    }

    /// Of what carried the process, ssh or srun or a tender: the process itself may still run for a while.
    var isOfCarrier: Bool {
        switch self {
        case .code(let code): code == 255
        case .signal, .lost: true
        case .notStarted: false
        }
    }

    /// Killed, or crashed: a code of ours says why, and these do not. A tender passes a signal on as 128 and its number.
    var isUnexplained: Bool { ![0, 64, 65, 70, 75].contains(asCode) }

    /// Why a worker that ended so is not started again; nil: it is.
    var whyNotAgain: String? {
        switch asCode {
        case 0: "has left"
        case 64: "cannot take part (64, see above) and is not started again; the others go on"
        case 65: "has bad data (65, see above) and is not started again; the others go on"
        case 126, 127: "\(whyNoProgram ?? "") and is not started again; \(Self.programMend)"
        default: nil
        }
    }

    /// Nil where there was a program to start.
    var whyNoProgram: String? { [126, 127].contains(asCode) ? "has no program to start (\(asCode))" : nil }

    static let programMend = "set launch.program, or the host's, in cluster.conf to where zoetrope is there"

    public var description: String {
        switch self {
        case .code(255): "255, which is ssh's own"
        case .lost: "its host is gone, or the connection"
        case .notStarted: "it could not be started"
        case .code(let code) where code > 128 && code < 192: "signal \(code - 128)"
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}
