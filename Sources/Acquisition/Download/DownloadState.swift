import Faults
import Storage
import Synchronization

/// What the threads of a download share: how far it is, and the fault that ends it.
final class DownloadState: Sendable {
    private struct State {
        var progress = DownloadProgress()
        var fault: Fault?
    }
    private let state = Mutex(State())
    private let options: DownloadOptions

    init(_ options: DownloadOptions) { self.options = options }

    /// The archives that are to come, in bytes; `settled` are here already.
    func expect(_ bytes: [Int], settled: Int) {
        report {
            $0.bytes = 0
            $0.totalBytes = bytes.reduce(0, +)
            $0.files = settled
            $0.totalFiles = bytes.count + settled
        }
    }

    func moved(_ bytes: Int) { report { $0.bytes += bytes } }
    func ended() { report { $0.files += 1 } }

    private func report(_ change: (inout DownloadProgress) -> Void) {
        state.withLock {
            change(&$0.progress)
            if $0.progress.totalFiles > 0 { options.progress($0.progress) }
        }
    }

    /// Ends the whole download; the first fault counts.
    func fail(_ fault: Fault) {
        state.withLock { if $0.fault == nil { $0.fault = fault } }
        options.cancellation.cancel()
    }

    /// - Throws: what ended the download, if something did.
    func finished<Value>(_ values: Value) throws(Fault) -> Value {
        if let fault = state.withLock({ $0.fault }) { throw fault }
        guard !options.cancellation.isCancelled else {
            throw Fault(.stoppedEarly, options.out, "the download was stopped", mend: "the same command continues")
        }
        return values
    }
}

extension DownloadItem {
    /// The outcome of a file that is here; `nil` when it has to come.
    var settled: DownloadOutcome? {
        if let receipt = Receipt.read(of: path) {
            if (try? fileSize(path)) == receipt.bytes { return outcome(.complete, receipt: receipt, attempts: 0) }
            if !pathExists(path), let extracted, let record = ExtractionRecord.read(extracted),
                record.archive == receipt.digest
            {
                return outcome(.extracted, receipt: receipt, attempts: 0)
            }
        }
        return nil
    }

    /// Whether what the server has by now is another version than the one that came.
    func differs(from whole: Partial) -> Bool {
        guard let receipt = Receipt.read(of: path) else { return false }
        let isSame =
            (whole.total ?? receipt.bytes) == receipt.bytes
            && (whole.validator == nil || receipt.validator == nil || whole.validator == receipt.validator)
        return !isSame
    }

    func outcome(_ status: DownloadOutcome.Status, receipt: Receipt, attempts: Int) -> DownloadOutcome {
        DownloadOutcome(
            name: name, split: split, status: status, bytes: receipt.bytes, digest: "\(receipt.digest)",
            attempts: attempts)
    }

    func outcome(_ status: DownloadOutcome.Status, _ reason: String) -> DownloadOutcome {
        DownloadOutcome(name: name, split: split, status: status, reason: reason)
    }
}
