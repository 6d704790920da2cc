import CCrypto

/// A SHA-256 digest: what names the content of a video, a shard or a set.
public struct Digest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Eight words, most significant byte first, so that comparing words compares bytes.
    private let words: SIMD4<UInt64>

    /// How many bytes a digest has.
    public static let byteCount = 32

    /// The digest whose 32 bytes these are; `nil` for any other count.
    public init?(bytes: some Sequence<UInt8>) {
        var words = SIMD4<UInt64>()
        var count = 0
        for byte in bytes {
            guard count < Self.byteCount else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        guard count == Self.byteCount else { return nil }
        self.words = words
    }

    /// The digest written as 64 hexadecimal digits; `nil` for anything else.
    public init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 2 * Self.byteCount, !digits.contains(nil) else { return nil }
        let values = digits.compactMap { $0 }
        self.init(bytes: (0..<Self.byteCount).map { UInt8(values[2 * $0] << 4 | values[2 * $0 + 1]) })
    }

    /// SHA-256 of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.update(bytes)
        self = hasher.finish()
    }

    /// SHA-256 of `bytes`.
    public init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { Digest(of: $0) } }

    public var bytes: [UInt8] {
        (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    public static func < (a: Digest, b: Digest) -> Bool {
        for i in 0..<4 where a.words[i] != b.words[i] { return a.words[i] < b.words[i] }
        return false
    }

    /// SHA-256 over bytes that come in pieces. The owner of libcrypto's context.
    public struct Hasher: ~Copyable {
        private let context: OpaquePointer

        public init() {
            // OpenSSL fails here only when memory is out, where nothing could go on.
            guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
                fatalError("libcrypto has no SHA-256 context: out of memory")
            }
            self.context = context
        }

        deinit { EVP_MD_CTX_free(context) }

        public mutating func update(_ bytes: UnsafeRawBufferPointer) {
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
            EVP_DigestUpdate(context, base, bytes.count)
        }

        public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

        /// The digest of all that was given.
        public consuming func finish() -> Digest {
            var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
            EVP_DigestFinal_ex(context, &bytes, nil)
            guard let digest = Digest(bytes: bytes) else { fatalError("a SHA-256 digest has 32 bytes") }
            return digest
        }
    }
}
