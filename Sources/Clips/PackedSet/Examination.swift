import Faults
import Storage
import Video

/// What came of examining one file: it goes in, or it is of no use.
enum PackFinding: Sendable {
    case sound(Examination)
    case refused(String)
    /// It could not be read this time: nothing that is kept.
    case unread(String)

    init(examining path: String, decodes: Bool) {
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Examination.bytes(of: path, name: path) } catch {
            // What is too large stays so.
            let isTooLarge = (try? fileSize(path)).map { $0 > Examination.mostBytes } ?? false
            self = isTooLarge ? .refused(error.reason) : .unread(error.reason)
            return
        }
        do throws(Fault) { self = .sound(try Examination(bytes, name: path, decodes: decodes)) } catch {
            self = .refused(error.reason)
        }
    }

    /// Whether the same file gives the same again.
    var isOfTheFile: Bool { if case .unread = self { false } else { true } }

    private static let refusal = "refused\t"
    private static let failure = "unread\t"

    /// On one line, for a journal, and for whoever asked a child.
    var text: String {
        switch self {
        case .sound(let examination): examination.text
        case .refused(let reason): Self.refusal + reason.oneLine
        case .unread(let reason): Self.failure + reason.oneLine
        }
    }

    /// - Returns: `nil` for a line that is not whole.
    init?(text: some StringProtocol) {
        if text.hasPrefix(Self.refusal) {
            self = .refused(String(oneLine: text.dropFirst(Self.refusal.count)))
        } else if text.hasPrefix(Self.failure) {
            self = .unread(String(oneLine: text.dropFirst(Self.failure.count)))
        } else if let examination = Examination(text: text) {
            self = .sound(examination)
        } else {
            return nil
        }
    }
}

/// Examines the video at `path` for a packing, in a process that a crash of the decoder may end.
/// - Returns: the line that `PackOptions.examine` has to give, and whoever helps a packing from elsewhere.
public func examineForPacking(_ path: String) -> String { PackFinding(examining: path, decodes: true).text }

/// What packing learns about one file before it takes it in.
struct Examination: Sendable {
    let digest: Digest
    let byteCount: Int
    let frameCount: Int
    let width: Int
    let height: Int
    let access: FrameAccess
    /// Why it does not decode to its end, and how far it does; `nil` for a sound video.
    let damage: String?

    /// The most that a video may have: beyond, an LMDB value grows awkward, and no clip of a data set comes near.
    static let mostBytes = 2 << 30

    /// On one line, for a journal.
    var text: String {
        [
            "\(digest)", "\(byteCount)", "\(frameCount)", "\(width)", "\(height)",
            access == .indexed ? "indexed" : "sequential", damage?.oneLine ?? "",
        ].joined(separator: "\t")
    }

    /// - Returns: `nil` for a line that is not whole.
    init?(text: some StringProtocol) {
        let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 7, let digest = Digest(hexadecimal: fields[0]) else { return nil }
        let numbers = fields[1...4].compactMap { Int($0) }
        guard numbers.count == 4, (1...Self.mostBytes).contains(numbers[0]), (1...1 << 30).contains(numbers[1]),
            numbers[2...].allSatisfy({ (1...1 << 16).contains($0) }), ["indexed", "sequential"].contains(fields[5])
        else { return nil }
        self.digest = digest
        (byteCount, frameCount, width, height) = (numbers[0], numbers[1], numbers[2], numbers[3])
        access = fields[5] == "indexed" ? .indexed : .sequential(count: frameCount)
        damage = fields[6].isEmpty ? nil : String(oneLine: fields[6])
    }

    /// Reads and decodes the file at `path`.
    /// - Throws: a `Fault` when nothing in it can be used.
    init(path: String, name: String, decodes: Bool) throws(Fault) {
        self = try Self(Self.bytes(of: path, name: name), name: name, decodes: decodes)
    }

    /// - Throws: a data `Fault` when there is no file, or it cannot be read.
    static func bytes(of path: String, name: String) throws(Fault) -> [UInt8] {
        guard pathExists(path) else { throw Fault(.data, name, "is missing") }
        do throws(Fault) { return try readWhole(path, limit: mostBytes) } catch {
            throw Fault(.data, name, error.reason)
        }
    }

    /// Decodes a file's content.
    /// - Throws: a `Fault` when nothing in it can be used.
    init(_ bytes: [UInt8], name: String, decodes: Bool) throws(Fault) {
        var failure: Fault?
        var found: Examination?
        bytes.withUnsafeBytes { raw in
            do throws(Fault) { found = try Examination(raw, name: name, decodes: decodes) } catch { failure = error }
        }
        guard let found else { throw failure ?? Fault(.internal, name, "was not examined") }
        self = found
    }

    private init(_ bytes: UnsafeRawBufferPointer, name: String, decodes: Bool) throws(Fault) {
        let video = try VideoReader(bytes, name: name)
        guard (1...1 << 16).contains(video.width), (1...1 << 16).contains(video.height) else {
            throw Fault(.data, name, "its frames of \(video.width)x\(video.height) are too large")
        }
        let findings = decodes ? video.check() : nil
        if let findings, findings.decoded == 0 {
            throw Fault(.data, name, findings.problem ?? "none of its frames decodes")
        }
        digest = Digest(of: bytes)
        byteCount = bytes.count
        (width, height) = (video.width, video.height)
        access = findings?.access ?? video.access
        if case .sequential(let count) = access { frameCount = count } else { frameCount = video.frameCount }
        damage = findings?.problem.map { [frameCount] in
            "\($0) after \(findings?.decoded ?? 0) of \(frameCount) frames"
        }
    }
}
