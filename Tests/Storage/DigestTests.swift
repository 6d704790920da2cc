import Storage
import Testing

@Suite struct DigestTests {
    /// Known answers of FIPS 180-4.
    @Test func publishedDigests() {
        #expect(
            "\(Digest(of: Array("abc".utf8)))" == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect("\(Digest(of: []))" == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func piecesGiveTheDigestOfTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var hasher = Digest.Hasher()
        for start in stride(from: 0, to: 1000, by: 333) { hasher.update(Array(bytes[start..<min(1000, start + 333)])) }
        #expect(hasher.finish() == Digest(of: bytes))
    }

    @Test func textAndBytesComeBack() throws {
        let digest = Digest(of: [1, 2, 3])
        #expect(Digest(hexadecimal: "\(digest)") == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hexadecimal: "\(digest)".dropLast()) == nil)
        #expect(Digest(hexadecimal: String(repeating: "g", count: 64)) == nil)
        #expect(Digest(bytes: [UInt8](repeating: 0, count: 33)) == nil)
    }

    @Test func orderIsThatOfBytes() throws {
        var low = [UInt8](repeating: 0, count: 32)
        low[31] = 255
        var high = [UInt8](repeating: 0, count: 32)
        high[24] = 1
        let a = try #require(Digest(bytes: low))
        let b = try #require(Digest(bytes: high))
        #expect(a < b)
        #expect(!(b < a))
    }
}
