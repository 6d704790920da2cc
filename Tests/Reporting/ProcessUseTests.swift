import Foundation
import Reporting
import Testing

@Suite struct ProcessUseTests {
    /// What /proc says elsewhere, in other units. Other tests take and give back memory meanwhile, so some look in a
    /// thousand has to agree to a hundredth; one in pages or in KiB never does.
    @Test func residentMemoryIsInBytes() throws {
        func agrees(_ measured: () -> Int) throws -> Bool {
            for _ in 0..<1000 {
                let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
                let kibibytes = try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
                let bytes = kibibytes * 1024
                if abs(measured() - bytes) < bytes / 100 { return true }
            }
            return false
        }
        #expect(try agrees(residentMemory))
        #expect(try agrees { ProcessUse.now().residentBytes })
    }
}
