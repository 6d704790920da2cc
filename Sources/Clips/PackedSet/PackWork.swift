public import Faults
import Glibc
public import Storage
import Synchronization
import Threads

/// The videos that a packing has to find out about, for those who share the work. Any number of threads may use it.
///
/// For each video somebody finds out (`find` here; whoever is elsewhere says what it found, and `accept` takes that for as much
/// as can be proven), and one of the findings is recorded. What nothing is recorded of when all is over was not packed: that
/// is a defect.
public final class PackWork: Sendable {
    public struct Video: Sendable, Equatable {
        public let path: String
        /// In the list.
        public let name: String
        /// When it was looked at: what is found out holds for that.
        let stamp: FileStamp
    }

    /// In the order of their paths.
    public let videos: [Video]
    /// Whether videos are written anew, and not packed as they are.
    public var isWrittenAnew: Bool { options.transcoding != nil }

    private let workshop: PackWorkshop
    private let options: PackOptions
    private let findings: FindingsJournal
    private let recorded: ResultTable
    private let drafts = Counter()
    /// Called whenever something is recorded.
    private let progress: @Sendable () -> Void

    init(
        _ videos: [Video], _ workshop: PackWorkshop, _ options: PackOptions, _ findings: FindingsJournal,
        progress: @escaping @Sendable () -> Void
    ) {
        (self.videos, self.workshop, self.options, self.findings) = (videos, workshop, options, findings)
        self.progress = progress
        recorded = ResultTable(count: videos.count)
    }

    /// Finds out about a video here, and writes it anew first where that is asked for. Takes as long as that takes.
    /// - Returns: the line that `record` wants; a data `Fault` for a video that is left out this time, any other for what
    ///   ends the packing.
    public func find(_ number: Int) -> Result<String, Fault> {
        let video = videos[number]
        do throws(Fault) {
            guard let transcoding = options.transcoding else { return .success(try examined(video)) }
            let draft = draft()
            try transcoding.write(video.path, draft)
            let examination = try Examination(path: draft, name: video.name, decodes: true)
            if let damage = examination.damage {
                throw Fault(
                    .internal, video.name,
                    "was written anew as \(transcoding.name), and that does not decode: \(damage)")
            }
            try keep(draft, examination)
            return .success(examination.text)
        } catch { return .failure(error) }
    }

    /// - Throws: what is no property of the file: time or memory that a child was refused and the next one may get.
    private func examined(_ video: Video) throws(Fault) -> String {
        guard let examine = options.examine else {
            return PackFinding(examining: video.path, decodes: options.decodes).text
        }
        let answer = try examine(video.path)
        guard PackFinding(text: answer) != nil else {
            throw Fault(.data, video.name, "the decoder answered nonsense")
        }
        return answer
    }

    /// Where a video may be written anew to, on the file system of the set; another path each time.
    public func draft() -> String { workshop.draft(drafts.increment()) }

    private func keep(_ draft: String, _ examination: Examination) throws(Fault) {
        let file = workshop.written(examination.digest)
        guard rename(draft, file) == 0 else { throw systemFault(file, "give it its name", errno) }
    }

    /// What a finding from elsewhere says that the video is which goes into the set: its digest and its bytes.
    /// - Returns: `nil` for what is none, and for one that would leave the video out: that is found out here or not at all.
    public func content(of finding: String) -> (digest: Digest, byteCount: Int)? {
        guard !finding.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" }),
            case .sound(let examination)? = PackFinding(text: finding)
        else { return nil }
        // Of a video that was written anew nothing is damaged.
        guard !isWrittenAnew || examination.damage == nil else { return nil }
        return (examination.digest, examination.byteCount)
    }

    /// Takes a finding from elsewhere, for a video that is packed as it is.
    /// - Parameter content: what the file is.
    /// - Throws: a data `Fault` where the finding is of another file, or none.
    public func accept(_ finding: String, of number: Int, content: (digest: Digest, byteCount: Int)) throws(Fault) {
        guard let found = self.content(of: finding), found == content else {
            throw Fault(.data, videos[number].name, "what was found out is not of this video")
        }
    }

    /// Takes a finding from elsewhere, and the video that was written anew there.
    /// - Parameter draft: the whole of it, at a path of `draft`; it is gone afterwards.
    /// - Throws: a data `Fault` where the finding is of another file, or none; what the disk says.
    public func accept(_ finding: String, of number: Int, draft: String) throws(Fault) {
        do throws(Fault) {
            guard case .sound(let examination)? = PackFinding(text: finding), let found = content(of: finding),
                try fileSize(draft) == found.byteCount, try fileDigest(draft) == found.digest
            else { throw Fault(.data, videos[number].name, "what was written anew is not what was announced") }
            try keep(draft, examination)
        } catch {
            unlink(draft)
            throw error
        }
    }

    /// What is recorded of a video.
    public func finding(_ number: Int) -> String? { try? recorded[number]?.get() }

    /// Settles a video. Once for each.
    /// - Parameter result: of `find`, or a finding that was accepted.
    public func record(_ number: Int, _ result: Result<String, Fault>) {
        var result = result
        // What could not be read this time may be read by the next packing.
        if case .success(let finding) = result, PackFinding(text: finding)?.isOfTheFile ?? false {
            do throws(Fault) { try findings.add(finding, of: videos[number].path, videos[number].stamp) } catch {
                result = .failure(error)
            }
        }
        recorded[number] = result
        progress()
    }

    /// What came of all, by path.
    func results() -> [String: Result<PackWorkshop.Prepared, Fault>] {
        var results: [String: Result<PackWorkshop.Prepared, Fault>] = [:]
        for (number, video) in videos.enumerated() {
            let missing = Fault(.internal, video.name, "was not examined")
            results[video.path] = (recorded[number] ?? .failure(missing)).flatMap { text in
                PackFinding(text: text).map { workshop.result(of: $0, video.path, video.name, options) }
                    ?? .failure(missing)
            }
        }
        return results
    }
}

/// What came of each of several things, filled by several threads.
private final class ResultTable: Sendable {
    private let results: Mutex<[Result<String, Fault>?]>

    init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

    subscript(number: Int) -> Result<String, Fault>? {
        get { results.withLock { $0[number] } }
        set { results.withLock { $0[number] = newValue } }
    }
}
