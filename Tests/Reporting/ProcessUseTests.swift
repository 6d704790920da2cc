import Reporting
import Testing

@Suite struct ProcessUseTests {
    @Test func memoryThatIsTouchedIsResident() {
        let before = residentMemory()
        #expect(before > 1 << 20)
        let bytes = 64 << 20
        let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4096)
        defer { block.deallocate() }
        // Pages are there once they are written; a quarter less, for other tests give memory back meanwhile.
        block.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
        #expect(residentMemory() - before > bytes * 3 / 4)
        #expect(ProcessUse.now().residentBytes > bytes)
    }
}
