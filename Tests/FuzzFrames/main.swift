// fuzz-frames [INPUTS [SEED]]: gives the decoders of the cluster's protocol so many damaged frames of every kind of message.
// `make fuzz-frames` runs it with the address sanitizer. Which input it is at stands in `.build/fuzz-frames-position`.
import Fuzzing
import Glibc

let inputs = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
let seed = CommandLine.arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
let position = open(".build/fuzz-frames-position", O_WRONLY | O_CREAT, 0o644)
let frames = FuzzedFrames()
var tried: [FuzzedFrames.Door: Int] = [:]
var understood: [FuzzedFrames.Door: Int] = [:]
var failures = 0
var slowest = (seconds: Duration.zero, input: 0)
let start = ContinuousClock.now

/// Bytes of memory that the process has had at most.
func peakMemory() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss << 10
}

for index in 0..<inputs {
    let line = "input \(index), seed \(seed)        \n"
    if position >= 0 { pwrite(position, line, line.utf8.count, 0) }
    let input = frames.input(index, seed: seed)
    tried[input.door, default: 0] += 1
    let before = ContinuousClock.now
    switch frames.verdict(input) {
    case .read: understood[input.door, default: 0] += 1
    case .refused: break
    case .wrong(let reason):
        failures += 1
        guard failures <= 20 else { continue }
        print("input \(index), seed \(seed): \(reason)")
        fflush(nil)
    }
    let taken = ContinuousClock.now - before
    if taken > slowest.seconds { slowest = (taken, index) }
}
for door in FuzzedFrames.Door.allCases {
    print("\(door.rawValue): \(tried[door] ?? 0) inputs, \(understood[door] ?? 0) understood, the others refused")
}
print(
    "\(inputs) inputs of seed \(seed) from \(frames.count) valid frames, each to \(FuzzedFrames.Door.allCases.count) decoders, "
        + "in \((ContinuousClock.now - start).components.seconds) s; slowest \(slowest.seconds) (input \(slowest.input)); "
        + "\(peakMemory() >> 20) MiB of memory at most; \(failures) wrong")
exit(failures == 0 ? 0 : 1)
