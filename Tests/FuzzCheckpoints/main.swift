// fuzz-checkpoints [INPUTS [SEED [READER]]]: gives each reader so many damaged files. `make fuzz` runs it with the
// address sanitizer. Before each input it writes to `.build/fuzz-position` which one, for the case that it is the last.
import Fuzzing
import Glibc

let inputs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
let seed = CommandLine.arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
let chosen = CommandLine.arguments.dropFirst(3).first
let position = open(".build/fuzz-position", O_WRONLY | O_CREAT, 0o644)
var failures = 0

for reader in try FuzzedReader.all() where chosen == nil || chosen == reader.name {
    var read = 0
    var slowest = (seconds: Duration.zero, input: 0)
    let start = ContinuousClock.now
    for index in 0..<inputs {
        let line = "reader \(reader), input \(index), seed \(seed)        \n"
        if position >= 0 { pwrite(position, line, line.utf8.count, 0) }
        let bytes = reader.input(index, seed: seed)
        let before = ContinuousClock.now
        switch reader.verdict(bytes) {
        case .read: read += 1
        case .refused: break
        case .wrong(let reason):
            failures += 1
            guard failures <= 20 else { continue }
            print("\(reader): input \(index), seed \(seed): \(reason)")
            fflush(nil)
        }
        let taken = ContinuousClock.now - before
        if taken > slowest.seconds { slowest = (taken, index) }
    }
    print(
        "\(reader): \(inputs) inputs of seed \(seed), \(read) read, the others refused, in "
            + "\((ContinuousClock.now - start).components.seconds) s; slowest \(slowest.seconds) (input \(slowest.input))"
    )
}
exit(failures == 0 ? 0 : 1)
