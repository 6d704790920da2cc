import Faults
import Foundation

/// What `zoetrope tend` is to do: the first line on its standard input.
///
/// Standard input and not arguments, for those are for all users of a machine to read.
public struct TendOrder: Codable, Equatable, Sendable {
    /// Of the program itself; the first is `worker` or `coordinator`. `FOLDER/` at the beginning of one stands for the
    /// folder of `files`.
    public var arguments: [String]
    /// Names and contents, made for this process's owner only in a folder that is removed behind the process.
    public var files: [String: String]
    /// What the process is sent when nobody holds the other end of standard input any more; 0: nothing, it is to end by
    /// itself.
    public var farewell: Int32
    /// Seconds that it has then before it is killed with all that it started.
    public var grace: Double

    public init(arguments: [String], files: [String: String] = [:], farewell: Int32, grace: Double) {
        self.arguments = arguments
        self.files = files
        self.farewell = farewell
        self.grace = grace
    }

    /// Where the files' folder stands in an argument.
    public static let folder = "FOLDER/"
    /// Bytes of an order: keys and a configuration are a few thousand.
    static let limit = 1 << 20

    /// One line without its end.
    var line: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, integers and a finite number always encode.
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }

    /// - Throws: `Fault.data` for what is no order, `Fault.usage` for one that asks for what a tender does not do.
    init(line: [UInt8]) throws(Fault) {
        do { self = try JSONDecoder().decode(TendOrder.self, from: Data(line)) } catch {
            throw Fault(.data, "tend", "standard input gives no order", mend: "it is for 'zoetrope launch' to use")
        }
        guard let command = arguments.first, ["worker", "coordinator"].contains(command) else {
            throw Fault(.usage, "tend", "starts coordinators and workers only")
        }
        try Self.check(names: files.keys)
        guard grace.isFinite, (0...86_400).contains(grace), (0...64).contains(farewell) else {
            throw Fault(.usage, "tend", "grace or farewell is out of range")
        }
    }
}

extension TendOrder {
    /// - Throws: `Fault.usage` for names that could lead out of a private folder.
    static func check(names: some Sequence<String>) throws(Fault) {
        for name in names {
            let isPlain = name.utf8.allSatisfy { (97...122).contains($0) || UInt8(ascii: ".") == $0 }
            guard isPlain, !name.hasPrefix("."), name.utf8.count <= 64 else {
                throw Fault(.usage, "tend", "'\(name)' is no name of a file for a process")
            }
        }
    }
}

/// What a tender is told later, a line each.
enum TendCommand: Equatable {
    /// Of the process.
    case signal(Int32)
    /// The process and all that it started, at once.
    case kill

    var line: String {
        switch self {
        case .signal(let number): "signal \(number)\n"
        case .kill: "kill\n"
        }
    }

    /// Nil for what no tender is told.
    init?(line: some StringProtocol) {
        let words = line.split(separator: " ")
        switch words.first {
        case "kill" where words.count == 1: self = .kill
        case "signal" where words.count == 2:
            guard let number = Int32(words[1]), (1...64).contains(number) else { return nil }
            self = .signal(number)
        default: return nil
        }
    }
}

/// What a tender says of its process, a line each on standard output among the process's own: whoever carries its exit code may
/// lose it, as srun does with a node.
enum TendReport: Equatable {
    /// The process does what it is for: a coordinator listens.
    case ready
    /// It does that no more and is at its end, which may take a while.
    case stopping
    /// It has ended with this code; the last line.
    case ended(Int32)

    /// What no log of ours begins with.
    private static let mark = "\u{2}"

    /// On a line of its own, whatever the process wrote last.
    var text: String {
        switch self {
        case .ready: "\n\(Self.mark)ready\n"
        case .stopping: "\n\(Self.mark)stopping\n"
        case .ended(let code): "\n\(Self.mark)ended \(code)\n"
        }
    }

    /// Nil for any other line.
    init?(line: [UInt8]) {
        guard line.starts(with: Self.mark.utf8) else { return nil }
        let words = String(decoding: line.dropFirst(Self.mark.utf8.count), as: UTF8.self).split(separator: " ")
        switch words.first {
        case "ready" where words.count == 1: self = .ready
        case "stopping" where words.count == 1: self = .stopping
        case "ended" where words.count == 2:
            guard let code = Int32(words[1]), (0...255).contains(code) else { return nil }
            self = .ended(code)
        default: return nil
        }
    }
}
