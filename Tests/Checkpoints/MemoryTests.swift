import Checkpoints
import Faults
import Glibc
import Storage
import Testing

/// Files that name more than they hold: memory is bounded by their size, depth and cycles cost nothing.
@Suite(.serialized) struct MemoryTests {
    private func read(_ bytes: [UInt8]) throws(Fault) -> Checkpoint { try Checkpoint.read(bytes, path: "hostile") }

    private func refusal(_ bytes: [UInt8]) -> Fault? { #expect(throws: Fault.self) { try read(bytes) } }

    private func repeated(_ pattern: [UInt8], to size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + pattern.count)
        while bytes.count < size { bytes += pattern }
        return bytes
    }

    /// The most memory that the process held while `body` ran, above what it held before; `nil` where /proc does not
    /// tell. Nothing else may run beside: the Makefile sees to it.
    private func growth(_ body: () -> Void) -> Int? {
        func kilobytes(_ key: String) -> Int? {
            guard let status = fopen("/proc/self/status", "r") else { return nil }
            defer { fclose(status) }
            var line = [CChar](repeating: 0, count: 256)
            while fgets(&line, 256, status) != nil {
                let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
                if text.hasPrefix(key) { return Int(text.filter(\.isNumber)) }
            }
            return nil
        }
        guard let reset = fopen("/proc/self/clear_refs", "w") else { return nil }
        fputs("5", reset)
        fclose(reset)
        guard let before = kilobytes("VmRSS:") else { return nil }
        body()
        return kilobytes("VmHWM:").map { ($0 - before) << 10 }
    }

    /// One-byte and two-byte opcodes that make, copy or remember values, over and over.
    @Test(
        arguments: [
            [0x5D], [0x7D], [0x29, 0x85], [0x28], [0x4E, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32, 0x32],
            [0x4E, 0x94, 0x94, 0x94, 0x94],
            [0x5D, 0x94, 0x68, 0, 0x68, 0, 0x68, 0], [0x4B, 1, 0x4B, 2, 0x86], [0x28, 0x4E, 0x6C], [0x55, 0],
            [0x63, 10, 10],
        ] as [[UInt8]])
    func memoryOfAHostilePickleIsBoundedByItsSize(_ pattern: [UInt8]) throws {
        let size = 4 << 20
        let bytes = [0x80, 4] + repeated(pattern, to: size)
        guard let growth = growth({ _ = refusal(bytes) }) else { return }
        // docs/formats.md: 64 bytes for each of the file's.
        #expect(growth < 64 * size, "\(pattern): \(growth >> 20) MiB for \(size >> 20)")
    }

    @Test func depthAndCyclesNeedNoStack() throws {
        let deep = 600_000
        // Limits stop it before: nothing that is a checkpoint nests half a million times.
        let lists =
            [0x80, 2] + [UInt8](repeating: 0x5D, count: deep) + [UInt8](repeating: 0x61, count: deep - 1) + [0x2E]
        #expect(refusal(lists)?.reason.contains("values in a file of") == true)
        let shallow = 100_000
        let tuples =
            [0x80, 2, 0x7D, 0x4B, 1, 0x29] + [UInt8](repeating: 0x85, count: shallow) + [0x73, 0x2E]
        #expect(refusal(tuples)?.reason.contains("no dictionary of tensors") == true)
        // Objects as arguments of objects, and as states of themselves.
        let calls =
            [0x80, 2, 0x7D, 0x4B, 1, 0x4E] + repeated([0x29, 0x81], to: shallow) + [0x73, 0x2E]
        #expect(refusal(calls)?.reason.contains("no dictionary of tensors") == true)
    }

    /// Forty lists of two, each naming the one before twice: a trillion ways to the innermost.
    @Test func whatIsSharedIsEnteredOnce() throws {
        var bytes: [UInt8] = [0x80, 2, 0x5D, 0x71, 0, 0x30]
        for level in UInt8(1)...40 { bytes += [0x5D, 0x71, level, 0x28, 0x68, level - 1, 0x68, level - 1, 0x65, 0x30] }
        let fault = refusal(bytes + [0x7D, 0x4B, 1, 0x68, 40, 0x73, 0x2E])
        #expect(fault?.reason.contains("no dictionary of tensors") == true, "\(String(describing: fault))")
    }

    /// One array of 64 KiB under 5,000 names: 320 MiB from 80 KiB.
    @Test func namingTheSameBytesAgainAndAgainIsRefused() throws {
        let array =
            Array("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\u{0}tU\u{1}btR(K\u{1}".utf8)
            + Array("J\u{0}\u{0}\u{1}\u{0}".utf8) + [0x85] + Array("cnumpy\ndtype\n(U\u{2}u1K\u{0}K\u{1}tR".utf8)
            + [0x89] + Array("T\u{0}\u{0}\u{1}\u{0}".utf8) + [UInt8](repeating: 7, count: 65536) + Array("tb".utf8)
        var bytes: [UInt8] = [0x80, 2, 0x7D, 0x28, 0x4E] + array + [0x71, 0]
        for name in 0..<5000 { bytes += [0x4D, UInt8(name & 255), UInt8(name >> 8), 0x68, 0] }
        #expect(
            refusal(bytes + [0x75, 0x2E])?.reason.contains("the tensors and texts up to here take more than") == true)
    }

    /// A gzip file of zeros, 1,000 times its size when expanded.
    @Test func gzipThatGrowsTooFarIsRefused() throws {
        let bomb = try readWhole(Fixture.folder + "large/gzip-bomb.pkl")
        let growth = growth { #expect(refusal(bomb)?.reason.contains("gzip's content is more than") == true) }
        #expect(growth.map { $0 < 256 << 20 } ?? true, "\(growth ?? 0)")
    }
}
