// chaos [--seed S] [--list] [CASE...]: real processes under faults, the cases of docs/operations.md. `make chaos` runs it.
import Chaos
import Foundation

var names: [String] = []
var seed: UInt64 = 1
var arguments = CommandLine.arguments.dropFirst()
while let word = arguments.popFirst() {
    switch word {
    case "--seed":
        guard let value = arguments.popFirst().flatMap({ UInt64($0) }) else { usage("--seed takes a number") }
        seed = value
    case "--list":
        for entry in ChaosCase.all { print("\(entry.number)\t\(entry.name)") }
        exit(0)
    case _ where word.hasPrefix("-"): usage("there is no flag \(word)")
    default:
        guard ChaosCase.all.contains(where: { $0.name == word || "\($0.number)" == word }) else {
            usage("there is no case \(word); --list names them")
        }
        names.append(word)
    }
}

func usage(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("chaos: \(reason)\n".utf8))
    exit(64)
}

let folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
let laboratory = try Laboratory(
    program: folder + "/zoetrope", root: NSTemporaryDirectory() + "zoetrope-chaos-\(getpid())", seed: seed)
var counts = (passed: 0, failed: 0, skipped: 0)
for entry in ChaosCase.all where names.isEmpty || names.contains(entry.name) || names.contains("\(entry.number)") {
    let begin = Date()
    let (verdict, lines) = try entry.run(in: laboratory)
    let title = "case \(entry.number), \(entry.name), seed \(seed)"
    let time = "\(Int(Date().timeIntervalSince(begin))) s"
    switch verdict {
    case .passed:
        counts.passed += 1
        print("passed   \(title) (\(time))")
    case .skipped(let reason):
        counts.skipped += 1
        print("SKIPPED  \(title): \(reason)")
    case .failed(let reason):
        counts.failed += 1
        print("FAILED   \(title) (\(time)): \(reason)\n  logs: \(laboratory.root)/\(entry.name)")
    }
    for line in lines { print("         \(line)") }
}
print("\(counts.passed) passed, \(counts.failed) failed, \(counts.skipped) skipped")
if counts.failed == 0 { try? FileManager.default.removeItem(atPath: laboratory.root) }
exit(counts.failed == 0 ? 0 : 1)
