// Real processes under faults, the cases of docs/operations.md. `make chaos` runs it.
//   chaos [--seed S] [CASE...]                          the cases, by number or name; all of them without
//   chaos [--seed S] --minutes M [--interval SECONDS]   a soak: a kill every 15 s
//   chaos --list
import Chaos
import Foundation

var names: [String] = []
var seed: UInt64 = 1
var minutes: Double?
var interval = 15.0
var arguments = CommandLine.arguments.dropFirst()
while let word = arguments.popFirst() {
    switch word {
    case "--seed":
        guard let value = arguments.popFirst().flatMap({ UInt64($0) }) else { usage("--seed takes a number") }
        seed = value
    case "--minutes", "--interval":
        guard let value = arguments.popFirst().flatMap({ Double($0) }), value > 0 else {
            usage("\(word) takes a number above 0")
        }
        if word == "--minutes" { minutes = value } else { interval = value }
    case "--coordinate":
        // Itself as a process of its own, for the case of many workers.
        let words = Array(arguments)
        guard words.count == 3, let steps = Int(words[1]), let workers = Int(words[2]) else {
            usage("--coordinate takes a folder, steps and workers")
        }
        exit(try coordinateSwarm(run: words[0], steps: steps, workers: workers))
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

@MainActor func tell(_ title: String, _ body: () throws -> (verdict: ChaosCase.Verdict, lines: [String])) throws {
    let begin = Date()
    let (verdict, lines) = try body()
    let time = "\(Int(Date().timeIntervalSince(begin))) s"
    switch verdict {
    case .passed:
        counts.passed += 1
        print("passed   \(title), seed \(seed) (\(time))")
    case .skipped(let reason):
        counts.skipped += 1
        print("SKIPPED  \(title): \(reason)")
    case .failed(let reason):
        counts.failed += 1
        print("FAILED   \(title), seed \(seed) (\(time)): \(reason)\n  logs in \(laboratory.root)")
    }
    for line in lines { print("         \(line)") }
    fflush(nil)
}

if let minutes {
    // At a kill a minute next to nothing is lost; at four a minute a part is.
    let soak = Soak(minutes: minutes, interval: interval, leastGoodput: interval >= 60 ? 0.9 : 0.6)
    try tell("case 30, soak") { try soak.run(in: laboratory) }
} else {
    for entry in ChaosCase.all where names.isEmpty || names.contains(entry.name) || names.contains("\(entry.number)") {
        try tell("case \(entry.number), \(entry.name)") { try entry.run(in: laboratory) }
    }
}
print("\(counts.passed) passed, \(counts.failed) failed, \(counts.skipped) skipped")
if counts.failed == 0 { try? FileManager.default.removeItem(atPath: laboratory.root) }
exit(counts.failed == 0 ? 0 : 1)
