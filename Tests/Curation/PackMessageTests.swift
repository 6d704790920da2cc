import Curation
import Faults
import Randomness
import Storage
import Testing
import Wire

@Suite("Messages of a packing") struct PackMessageTests {
    private static let samples: [PackMessage] = [
        .hello(version: PackMessage.version, PackHelper(name: "n 1", libraries: "libavcodec 59.37.100", capacity: 8)),
        .welcome(
            PackAssignment(profile: "fast", shortSide: 320, description: "fast, 30", seconds: 0.125, trial: "ab")),
        .ready(trial: "0f"), .refused(reason: "another FFmpeg"), .failed(reason: ""),
        .lease(video: 7, CachedFile(digest: Digest(of: [1]), byteCount: 1 << 33, name: "a b.mp4")),
        .found(video: 1 << 20, finding: "a\tb\tc"), .cannot(video: 0, reason: "took too long"),
        .give(video: 3, offset: 1 << 21, count: PackMessage.mostPart), .part(video: 3, offset: 0, bytes: [0, 255, 10]),
        .settled(video: 9), .stop, .stopped(reason: "was stopped"),
    ]

    private static let memory = PayloadPool()

    private func decoded(_ header: [UInt8], _ payloads: [[UInt8]]) throws(Fault) -> PackMessage {
        try PackMessage(
            header: Self.memory.payload(copying: header), payloads: payloads.map { Self.memory.payload(copying: $0) })
    }

    @Test(arguments: samples) func thereAndBack(_ message: PackMessage) throws {
        #expect(try decoded(message.parts.header, message.parts.payloads) == message)
    }

    /// Whatever another version adds behind, who it is and that it is another can be read.
    @Test func aGreetingOfAnotherVersionIsUnderstood() throws {
        let next = PackMessage.version + 1
        let greeting = try decoded(Array("hello \(next) x y z".utf8), [Array("n1".utf8), [], [1, 2, 3]])
        #expect(greeting == .hello(version: next, PackHelper(name: "n1", libraries: "", capacity: 1)))
    }

    @Test(arguments: [
        "", " ", "hello", "hello x 1", "hello 1 0", "hello 1 5000", "hello 1 +4", "hello 1 04", "stop ", "stop 1",
        "lease 1 0 00", "lease -1 4 00", "give 1 0 0", "give 1 0 1048577", "give 1 -1 5", "part 1", "settled",
        "settled 99999999999999999999", "welcome 70000 1", "welcome 320 0", "found 1 2", "nonsense 1",
        String(repeating: "a", count: 300),
    ]) func whatIsNoneIsRefused(_ line: String) {
        for payloads in [[], [[1]], [[1], [2]], [[1], [2], [3]]] as [[[UInt8]]] {
            #expect(throws: Fault.self) { try decoded(Array(line.utf8), payloads) }
        }
    }

    @Test func textsAndPartsHaveBounds() {
        #expect(throws: Fault.self) {
            try decoded(Array("ready".utf8), [[UInt8](repeating: 97, count: PackMessage.mostText + 1)])
        }
        #expect(throws: Fault.self) {
            try decoded(Array("part 0 0".utf8), [[UInt8](repeating: 0, count: PackMessage.mostPart + 1)])
        }
        #expect(throws: Fault.self) { try decoded(Array("part 0 0".utf8), [[]]) }
        #expect(throws: Fault.self) { try decoded([0xFF, 0xFE, 0x20], []) }
    }

    /// Whatever a bit or a missing part makes of a message, it is a message or a `Fault`, and what is read can be written.
    @Test func changedMessagesAreMessagesOrFaults() {
        var (read, refused) = (0, 0)
        for seed in 0..<4000 {
            let draws = Draws(seed: UInt64(seed), place: 1, purpose: .synthesis)
            let sample = Self.samples[draws.integer(0, below: Self.samples.count)]
            var (header, payloads) = (sample.parts.header, sample.parts.payloads)
            for change in 0...draws.integer(1, below: 3) {
                let at = draws.integer(10 + 4 * change, below: max(1, header.count))
                switch draws.integer(11 + 4 * change, below: 7) {
                case 0: if !header.isEmpty { header[at] ^= 1 << UInt8(draws.integer(12 + 4 * change, below: 8)) }
                case 1: if !header.isEmpty { header[at] = UInt8(48 + draws.integer(12 + 4 * change, below: 10)) }
                case 2: header = Array(header.prefix(at))
                case 3: header.insert(contentsOf: [32, 57, 57, 57, 57, 57, 57], at: min(at, header.count))
                case 4: payloads = payloads.dropLast()
                case 5: payloads.append([1, 2, 3])
                default: payloads = payloads.map { $0.map { $0 ^ 0x80 } }
                }
            }
            do throws(Fault) {
                let message = try decoded(header, payloads)
                let parts = message.parts
                #expect((try? decoded(parts.header, parts.payloads)) == message, "seed \(seed)")
                read += 1
            } catch {
                #expect(error.code == .data, "seed \(seed)")
                refused += 1
            }
        }
        #expect(read > 200 && refused > 1000, "\(read) read, \(refused) refused")
    }
}
