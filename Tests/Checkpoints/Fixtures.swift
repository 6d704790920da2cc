import Checkpoints
import Storage
import TestSupport
import Testing

/// The checkpoints of `Fixtures/`, which other programs wrote, and what these programs say is in them.
struct Fixture: CustomTestStringConvertible {
    struct Tensor: Equatable {
        var name: String
        var type: String
        var shape: [Int]
        var bytes: [UInt8]
    }

    let name: String
    let format: Checkpoint.Format
    let isCompressed: Bool
    var tensors: [Tensor] = []
    var metadata: [String: String] = [:]

    var testDescription: String { name }

    static let folder = sourceTree + "/Tests/Checkpoints/Fixtures/"

    var path: String { Self.folder + name }
    func bytes() throws -> [UInt8] { try readWhole(path) }

    /// All of them, from `expected.tsv`: file, name, type, shape, bytes in hexadecimal.
    static let all: [Fixture] = {
        var fixtures: [Fixture] = []
        for line in ((try? text(of: folder + "expected.tsv")) ?? "").split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch fields[2] {
            case "file":
                guard let format = Checkpoint.Format(rawValue: fields[1]) else { continue }
                fixtures.append(Fixture(name: fields[0], format: format, isCompressed: fields[3] == "1"))
            case "metadata": fixtures[fixtures.count - 1].metadata[fields[1]] = fields[3]
            default:
                fixtures[fixtures.count - 1].tensors.append(
                    Tensor(
                        name: fields[1], type: fields[2], shape: fields[3].split(separator: ",").compactMap { Int($0) },
                        bytes: hexadecimal(fields[4])))
            }
        }
        return fixtures
    }()

    /// Files that must be refused, and a part of the reason, from `refused.tsv`.
    static let refused: [(name: String, reason: String)] = {
        ((try? text(of: folder + "refused.tsv")) ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            return fields.count == 2 ? (fields[0], fields[1]) : nil
        }
    }()

    /// The bytes of hexadecimal text.
    static func hexadecimal(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
