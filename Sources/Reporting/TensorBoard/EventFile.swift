public import Faults
import Glibc
import Storage
public import Wire

/// A TensorBoard event file: records with checksums, appended and never changed. TensorBoard reads it while it grows.
///
/// Format: TFRecord, length (u64), masked CRC-32C of the length, data, masked CRC-32C of the data, little endian.
public final class EventFile {
    public let path: String
    private let file: Int32
    private static let namePrefix = "events.out.tfevents."

    /// Begins a file of its own in `folder`: TensorBoard shows all that lie there as one run.
    ///
    /// - Parameters:
    ///   - time: Seconds since 1970; TensorBoard reads files in the order of their names, which begin with it.
    ///   - suffix: What tells files of the same second apart.
    /// - Throws: `Fault.data` when the file cannot be made.
    public init(folder: String, time: Double, host: String, suffix: String) throws(Fault) {
        let seconds = String(Int(time))
        let padded = String(repeating: "0", count: max(0, 10 - seconds.count)) + seconds
        path = "\(folder)/\(Self.namePrefix)\(padded).\(host).\(suffix)"
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw Fault(.data, path, "cannot be made: \(String(cString: strerror(errno)))", mend: "check the folder")
        }
        append(TensorBoardEvent(time: time, .fileVersion))
    }

    deinit { close(file) }

    /// - Returns: Whether it is in the file; a full disk costs the record, not the training.
    @discardableResult public func append(_ event: TensorBoardEvent) -> Bool {
        let record = Self.record(event.encoded())
        let end = lseek(file, 0, SEEK_END)
        let written = record.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard written != record.count else { return true }
        // Half a record would hide all that follow.
        if written > 0 { ftruncate(file, end) }
        return false
    }

    /// The steps of which the files in `folder` tell a scalar, as they stand there. Of a file whose end was torn off, what is
    /// whole counts.
    /// - Throws: a `Fault` when they cannot be read.
    public static func steps(of tag: String, in folder: String) throws(Fault) -> [Int] {
        var steps: [Int] = []
        for name in try directoryNames(folder) where name.hasPrefix(namePrefix) {
            try read(folder + "/" + name) { record in
                if let step = TensorBoardEvent.step(of: record, telling: tag) { steps.append(step) }
            }
        }
        return steps
    }

    /// Calls `body` with each record that is small, as those of scalars are; pictures and histograms are passed over.
    private static func read(_ path: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(Fault) {
        guard let file = fopen(path, "re") else {
            throw Fault(.data, path, "cannot be opened: \(String(cString: strerror(errno)))", mend: "check the file")
        }
        defer { fclose(file) }
        var (head, data) = ([UInt8](repeating: 0, count: 12), [UInt8](repeating: 0, count: 4096))
        while fread(&head, 1, head.count, file) == head.count {
            let length = head.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard length <= UInt64(data.count) else {
                guard length < 1 << 40, fseek(file, Int(length) + 4, SEEK_CUR) == 0 else { return }
                continue
            }
            guard fread(&data, 1, Int(length), file) == Int(length) else { return }
            data.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<Int(length)])) }
            guard fseek(file, 4, SEEK_CUR) == 0 else { return }
        }
    }

    /// Data in the frame that a file puts round it.
    public static func record(_ data: [UInt8]) -> [UInt8] {
        let length = bytes(UInt64(data.count))
        return length + bytes(masked(length)) + data + bytes(masked(data))
    }

    /// So that checksums of data that holds checksums differ from them.
    private static func masked(_ data: [UInt8]) -> UInt32 {
        let crc = CRC32C.of(data)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
