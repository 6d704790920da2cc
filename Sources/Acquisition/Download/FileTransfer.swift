import Faults
import Glibc
import Storage

/// One file that is to be brought here.
struct DownloadItem: Sendable {
    let address: WebAddress
    /// Where it goes.
    let path: String
    /// The same below the data set's folder, for people.
    let name: String
    let split: String
    let content: ExpectedContent
    /// Where a record says that the archive was extracted and may have been removed since; `nil` for other files.
    var extracted: String?
    /// Whether the server has another version than the one here, which stays until the new one is whole.
    var isReplaced = false
}

/// Brings one file here, in as many attempts as the policy allows. For one thread.
struct FileTransfer {
    let item: DownloadItem
    let connection: HTTPConnection
    let policy: RetryPolicy
    let cancellation: Cancellation
    /// Sees bytes come, and go when a part is thrown away (negative).
    let progress: (Int) -> Void
    /// Says what went wrong on the way, for people.
    let note: (String) -> Void
    /// Uniform in 0..<1.
    let random: () -> Double
    /// Whether a small file that is here is fetched anew; archives are tested anew instead.
    var isRefresh = false

    /// - Returns: the receipt of the file under its name.
    /// - Throws: `.passing` after the last attempt.
    func run() throws(TransferFailure) -> (receipt: Receipt, attempts: Int) {
        try local { () throws(Fault) in try makeDirectories(directory(of: item.path)) }
        let isWantedAnew = item.isReplaced || isRefresh && item.content == .text
        if pathExists(item.path), !isWantedAnew, let receipt = try adopt() { return (receipt, 0) }
        let part = try local { () throws(Fault) in try PartFile(of: item.path) }
        var history = RetryPolicy.History()
        var damaged: Digest?
        while true {
            let before = part.partial.bytes
            do throws(TransferFailure) {
                try fetch(into: part)
                let receipt = try finish(part, damagedBefore: &damaged)
                return (receipt, history.failures + 1)
            } catch {
                guard case .passing(let reason, let retryAfter) = error else { throw error }
                let decision = history.failed(
                    reason, retryAfter: retryAfter, progressed: part.partial.bytes > before, policy: policy,
                    random: random())
                switch decision {
                case .giveUp(let reason): throw .passing(reason, retryAfter: nil)
                case .wait(let seconds):
                    note(
                        "\(item.name): \(reason); trying again in \(seconds < 1 ? "less than 1" : "\(Int(seconds))") s")
                    guard cancellation.wait(seconds) else { throw .cancelled }
                }
            }
        }
    }

    /// Tests a file that lies there without a receipt: a process ended before it wrote one, or a person put it there.
    /// - Returns: `nil` when it is no good; then it is called `NAME.damaged` and fetched.
    private func adopt() throws(TransferFailure) -> Receipt? {
        do throws(Fault) {
            var receipt = try receipt(of: item.path, validator: nil)
            // The receipt of a version that has not got its name yet says nothing of this one.
            if let known = Receipt.read(of: item.path), known.digest == receipt.digest {
                receipt.validator = known.validator
            }
            try receipt.write(of: item.path)
            return receipt
        } catch {
            note("\(error.description); it is fetched again, the old one is called \(item.name).damaged")
            try local { () throws(Fault) in try moveAside(item.path, to: item.path + ".damaged") }
            return nil
        }
    }

    /// One attempt at what is missing.
    private func fetch(into part: PartFile) throws(TransferFailure) {
        let partial = part.partial
        let request = TransferRules.request(for: partial)
        guard request != .none else { return }
        var isLooked = false
        let receiver = HTTPConnection.Receiver(
            head: { head, retryAfter throws(TransferFailure) in
                switch TransferRules.answer(head, to: request, partial: partial, retryAfter: retryAfter) {
                case .write(let offset, let whole):
                    try local { () throws(Fault) in try part.begin(at: offset, of: whole) }
                    progress(offset - partial.bytes)
                    return true
                case .startOver(let reason):
                    try discard(part)
                    throw .passing("the server \(reason)", retryAfter: nil)
                case .fail(let failure): throw failure
                }
            },
            body: { bytes throws(TransferFailure) in
                try local { () throws(Fault) in try part.append(bytes) }
                progress(bytes.count)
                // A web page shows itself at once; there is no need to fetch it all.
                if !isLooked, part.partial.bytes >= 512 {
                    isLooked = true
                    try look(at: part)
                }
            })
        var asked = HTTPConnection.Request(address: item.address)
        if case .rest(let offset, let validator) = request { asked.rest = (offset, validator) }
        try connection.perform(asked, receiver)
        if let total = part.partial.total, part.partial.bytes != total {
            let reason = "\(part.partial.bytes) bytes came, the server announced \(total)"
            if part.partial.bytes > total { try discard(part) }
            throw .passing(reason, retryAfter: nil)
        }
    }

    private func look(at part: PartFile) throws(TransferFailure) {
        let beginning = try local { () throws(Fault) in try part.beginning(512) }
        guard let objection = item.content.objection(to: beginning) else { return }
        try discard(part)
        throw .passing("what came is not what was asked for: \(objection)", retryAfter: nil)
    }

    /// Tests what came and gives it its name. What turns out damaged goes; when the same damage comes twice, it is the
    /// server's.
    private func finish(_ part: PartFile, damagedBefore: inout Digest?) throws(TransferFailure) -> Receipt {
        try look(at: part)
        let validator = part.partial.validator
        try local { () throws(Fault) in try part.synchronize() }
        let tested: Receipt
        do throws(Fault) { tested = try receipt(of: part.path, validator: validator) } catch {
            let digest = try local { () throws(Fault) in try fileDigest(part.path) }
            try discard(part)
            guard damagedBefore != digest else {
                throw .refused("the server's file \(error.reason), in two downloads alike")
            }
            damagedBefore = digest
            throw .passing("what came \(error.reason)", retryAfter: nil)
        }
        try local { () throws(Fault) in
            // In this order a process that ends in between has lost neither; alone the receipt says nothing, and beside an
            // earlier version it would say what is not so.
            unlink(item.path)
            try tested.write(of: item.path)
            try part.finish(as: item.path)
        }
        return tested
    }

    private func receipt(of path: String, validator: String?) throws(Fault) -> Receipt {
        let digest =
            switch item.content {
            case .archive: try ArchiveTest(path).digest
            case .text: try textDigest(path)
            }
        return Receipt(bytes: try fileSize(path), digest: digest, validator: validator)
    }

    private func textDigest(_ path: String) throws(Fault) -> Digest {
        let beginning = try readBeginning(path, count: min(512, try fileSize(path)))
        if let objection = item.content.objection(to: beginning) { throw Fault(.data, path, objection) }
        return try fileDigest(path)
    }

    private func discard(_ part: PartFile) throws(TransferFailure) {
        progress(-part.partial.bytes)
        try local { () throws(Fault) in try part.discard() }
    }

    private func local<Value>(_ body: () throws(Fault) -> Value) throws(TransferFailure) -> Value {
        do throws(Fault) { return try body() } catch { throw .local(error) }
    }
}
