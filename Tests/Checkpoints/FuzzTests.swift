import Fuzzing
import Testing

/// Damaged files: read or refused with file, byte, reason and mend; never a crash, never more than the bounds.
struct FuzzTests {
    /// `make fuzz` runs a million for each reader, under the address sanitizer.
    private static let inputs = 20_000

    @Test(arguments: try FuzzedReader.all())
    func damagedFilesAreReadOrRefused(_ reader: FuzzedReader) {
        let seed: UInt64 = 7
        var read = 0
        for index in 0..<Self.inputs {
            switch reader.verdict(reader.input(index, seed: seed)) {
            case .read: read += 1
            case .refused: break
            case .wrong(let reason): Issue.record("\(reader), input \(index), seed \(seed): \(reason)")
            }
        }
        // Neither did all changes break the files, nor did none.
        #expect(
            !reader.reads || (Self.inputs / 200..<Self.inputs * 9 / 10).contains(read), "\(reader): \(read) were read")
    }
}
