public import Faults
import Storage
import Synchronization
import Threads

/// Brings a published data set here: lists, annotations, archives; each file whole and tested, or not under its name.
///
/// Run again it continues where it stopped. Files that the server does not have, or that did not come, are in the report,
/// and do not keep the others from coming.
///
/// - Throws: `Fault` for what keeps everything from going on: a list that cannot be read, a disk that is or would get
///   full, a stop that was asked for (`.stoppedEarly`).
public func download(_ options: DownloadOptions) throws(Fault) -> DownloadReport {
    try makeDirectories(options.out)
    let lock = try LockFile(options.out + "/download.lock", holder: "another download of this folder")
    return try withExtendedLifetime(lock) { () throws(Fault) in try Download(options).run() }
}

private struct Download {
    private let options: DownloadOptions
    private let state: DownloadState

    init(_ options: DownloadOptions) {
        self.options = options
        state = DownloadState(options)
    }

    func run() throws(Fault) -> DownloadReport {
        let splits = try options.set.checked(splits: options.splits)
        let lists = try options.set.lists.filter { splits.contains($0.split) }.map { list throws(Fault) in
            try item(list.file, split: list.split, .text)
        }
        let annotations = try options.set.annotations.filter { splits.contains($0.split) }.map { file throws(Fault) in
            try item(file.file, split: file.split, .text)
        }
        let small = try transfer(lists + annotations)
        for list in small.prefix(lists.count) where list.status != .complete {
            throw Fault(
                list.status == .missing ? .data : .stoppedEarly, list.name, list.reason,
                mend: "check --mirror, or run the same command again later")
        }
        let archives = try archives(lists)
        let (waiting, settled) = try settle(archives)
        let surveyed = try survey(waiting)
        let wanted = surveyed.filter { $0.outcome == nil }
        try checkSpace(wanted)
        state.expect(wanted.map(\.expected), settled: archives.count - wanted.count)
        let known = settled + surveyed.compactMap(\.outcome)
        var outcomes = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0) })
        for outcome in try transfer(wanted.map(\.item)) { outcomes[outcome.name] = outcome }
        let report = DownloadReport(files: small + archives.compactMap { outcomes[$0.name] })
        try writeWhole(report.table, to: options.out + "/download.tsv")
        return report
    }

    private func item(
        _ file: PublishedSet.File, split: String, _ content: ExpectedContent
    ) throws(Fault) -> DownloadItem {
        DownloadItem(
            address: try WebAddress(options.base + "/" + file.address), path: options.out + "/" + file.path,
            name: file.path, split: split, content: content)
    }

    /// What the lists name and `--parts` selects, and the replacements.
    private func archives(_ lists: [DownloadItem]) throws(Fault) -> [DownloadItem] {
        var items: [DownloadItem] = []
        for list in lists {
            let entries = try ArchiveList(
                try readWhole(list.path, limit: 64 << 20), path: list.path, base: options.base
            )
            .entries.filter { options.parts.contains($0.part) }
            for entry in entries {
                let name = "archives/\(list.split)/\(entry.name)"
                items.append(
                    DownloadItem(
                        address: entry.address, path: options.out + "/" + name, name: name, split: list.split,
                        content: .archive,
                        extracted: ExtractionRecord.path(out: options.out, split: list.split, archive: entry.name)))
            }
        }
        guard !items.isEmpty else { throw Fault(.usage, "--parts", "selects no archive of these splits") }
        // They hold training videos only, but cost little, and lists of any split may name what was replaced.
        for file in options.set.replacements {
            var replacement = try item(file, split: PublishedSet.replacementSplit, .archive)
            replacement.extracted = ExtractionRecord.path(
                out: options.out, split: replacement.split, archive: String(file.path.split(separator: "/").last ?? ""))
            items.append(replacement)
        }
        return items
    }

    /// Tells what is here already from what has to come.
    private func settle(_ items: [DownloadItem]) throws(Fault) -> ([DownloadItem], [DownloadOutcome]) {
        guard !options.refresh else { return (items, []) }
        var (waiting, settled): ([DownloadItem], [DownloadOutcome]) = ([], [])
        for item in items {
            if let outcome = item.settled { settled.append(outcome) } else { waiting.append(item) }
        }
        return (waiting, settled)
    }

    private struct Survey: Sendable {
        var item: DownloadItem
        var bytes: Int?
        /// What becomes of it without any transfer.
        var outcome: DownloadOutcome?

        /// Bytes that have yet to come.
        var expected: Int {
            if !item.isReplaced, pathExists(item.path) { return 0 }
            return max(0, (bytes ?? 0) - PartFile.bytes(of: item.path))
        }
    }

    /// Asks for the sizes, so that progress and space are known before the first archive comes.
    private func survey(_ items: [DownloadItem]) throws(Fault) -> [Survey] {
        let surveys = onConnections(items.count) { connection, i in
            let item = items[i]
            var survey = Survey(item: item)
            switch self.size(of: item, connection) {
            case .success(let whole):
                survey.bytes = whole.total
                survey.item.isReplaced = self.options.refresh && item.differs(from: whole)
            case .failure(.refused(let reason)): survey.outcome = item.outcome(.missing, reason)
            case .failure(.cancelled): self.options.cancellation.cancel()
            // Then its size is learnt when it comes.
            case .failure(.passing), .failure(.local): break
            }
            // An archive that was removed on purpose comes again only where it is another one by now.
            if !survey.item.isReplaced, let settled = item.settled, settled.status == .extracted {
                survey.outcome = settled
            }
            return survey
        }
        return try state.finished(surveys)
    }

    private func size(of item: DownloadItem, _ connection: HTTPConnection) -> Result<Partial, TransferFailure> {
        var history = RetryPolicy.History()
        while true {
            var answer: Result<Partial, TransferFailure> = .failure(.passing("no answer came", retryAfter: nil))
            do throws(TransferFailure) {
                let receiver = HTTPConnection.Receiver(
                    head: { head, retryAfter throws(TransferFailure) in
                        // Some servers know no HEAD: then the size is learnt when the file comes.
                        answer =
                            [400, 405, 501].contains(head.status)
                            ? .success(.nothing) : TransferRules.survey(head, retryAfter: retryAfter)
                        return false
                    }, body: { _ in })
                try connection.perform(HTTPConnection.Request(address: item.address, isHead: true), receiver)
            } catch { answer = .failure(error) }
            guard case .failure(.passing(let reason, let retryAfter)) = answer else { return answer }
            switch history.failed(
                reason, retryAfter: retryAfter, progressed: false, policy: options.policy, random: options.random())
            {
            case .giveUp: return answer
            case .wait(let seconds): guard options.cancellation.wait(seconds) else { return .failure(.cancelled) }
            }
        }
    }

    private func checkSpace(_ surveys: [Survey]) throws(Fault) {
        let needed = surveys.reduce(0) { $0 + $1.expected }
        let free = try options.freeBytes(options.out)
        // A file system that is full to the last byte serves nobody.
        let spare = 64 << 20
        guard needed == 0 || needed + spare <= free else {
            throw Fault(
                .stoppedEarly, options.out,
                "has \(inGigabytes(free)) free, and what is to come has \(inGigabytes(needed)), videos not counted",
                mend: "free some space, or take fewer --splits or --parts")
        }
    }

    private func transfer(_ items: [DownloadItem]) throws(Fault) -> [DownloadOutcome] {
        let outcomes = onConnections(items.count) { connection, i in
            let item = items[i]
            if !self.options.refresh, let outcome = item.settled { return outcome }
            let transfer = FileTransfer(
                item: item, connection: connection, policy: self.options.policy,
                cancellation: self.options.cancellation, progress: { self.state.moved($0) }, note: self.options.note,
                random: self.options.random, isRefresh: self.options.refresh)
            defer { self.state.ended() }
            do throws(TransferFailure) {
                let (receipt, attempts) = try transfer.run()
                return item.outcome(.complete, receipt: receipt, attempts: attempts)
            } catch {
                switch error {
                case .passing(let reason, _): return item.outcome(.failed, reason)
                case .refused(let reason): return item.outcome(.missing, reason)
                case .cancelled: return item.outcome(.failed, "stopped")
                case .local(let fault):
                    self.state.fail(fault)
                    return item.outcome(.failed, fault.reason)
                }
            }
        }
        return try state.finished(outcomes)
    }

    /// A connection for each thread, kept from file to file.
    private func onConnections<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (HTTPConnection, Int) -> Value
    ) -> [Value] {
        let options = options
        let state = state
        return mapOnThreads(
            name: "download", count: count, threads: options.jobs,
            context: { () -> HTTPConnection? in
                do throws(Fault) {
                    return try HTTPConnection(limits: options.limits, cancellation: options.cancellation)
                } catch {
                    state.fail(error)
                    return nil
                }
            },
            { connection, i -> Value? in
                // After a stop the rest is left alone.
                guard let connection, !options.cancellation.isCancelled else { return nil }
                return body(connection, i)
            }
        ).compactMap { $0 }
    }
}

func inGigabytes(_ bytes: Int) -> String {
    let tenths = (bytes + 50_000_000) / 100_000_000
    return "\(tenths / 10).\(tenths % 10) GB"
}
