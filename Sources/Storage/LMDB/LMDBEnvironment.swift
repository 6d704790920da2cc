import CLMDB
public import Faults
import Glibc

/// One LMDB file (no folder, no lock file) that is either being written by one owner or sealed for ever.
///
/// Sealed files are read without locks, from any number of threads and processes; a file must not be opened twice for
/// writing. Files behind a network are refused (`FileSystemKind`). Format: `lmdb.h` 0.9, the unnamed database only.
public final class LMDBEnvironment: @unchecked Sendable {  // LMDB locks its environments; all fields are constants
    public let path: String
    let handle: OpaquePointer
    let database: MDB_dbi

    /// Opens a sealed file read-only.
    ///
    /// The file's two meta pages are checked before LMDB sees them, because LMDB divides by what they say.
    /// - Throws: a data `Fault` when the file is missing, is no LMDB file or is cut short.
    public convenience init(sealed path: String) throws(Fault) {
        try MetaPage.check(path)
        try self.init(path, flags: UInt32(MDB_RDONLY), mapSize: 0, sealed: true)
        try checkLength()
    }

    /// Creates a new file to write to; `capacity` bytes are the most that it can ever hold.
    /// - Throws: a data `Fault` when the file exists or cannot be created.
    public convenience init(creating path: String, capacity: Int) throws(Fault) {
        guard access(path, F_OK) != 0 else { throw Fault(.data, path, "exists already") }
        let pageRounded = (max(capacity, 1 << 16) + 65535) & ~65535
        try self.init(path, flags: UInt32(MDB_NOSYNC), mapSize: pageRounded, sealed: false)
    }

    private init(_ path: String, flags: UInt32, mapSize: Int, sealed: Bool) throws(Fault) {
        if let fault = FileSystemKind(path: path).fault(forDatabase: path) { throw fault }
        var handle: OpaquePointer?
        try check(mdb_env_create(&handle), path, "cannot be opened")
        guard let handle else { throw Fault(.internal, path, "LMDB gave no environment") }
        do throws(Fault) {
            if mapSize > 0 { try check(mdb_env_set_mapsize(handle, mapSize), path, "cannot be opened") }
            // No lock file: sealed files never change, and a file being written has one owner. No thread-local
            // reader slots: a transaction may be ended by another thread than began it.
            let all = flags | UInt32(MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS)
            try check(mdb_env_open(handle, path, all, 0o644), path, "cannot be opened")
            database = try Self.openDatabase(handle, path, readOnly: sealed)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        self.path = path
        self.handle = handle
    }

    deinit { mdb_env_close(handle) }

    /// Bytes per record key that LMDB allows.
    public static let longestKey = 511

    /// How many records the file holds.
    public var count: Int {
        var statistics = MDB_stat()
        mdb_env_stat(handle, &statistics)
        return statistics.ms_entries
    }

    /// Runs `body` in a read transaction; what the transaction hands out is valid until `body` returns.
    public func read<Result>(_ body: (borrowing LMDBReadTransaction) throws -> Result) throws -> Result {
        let transaction = try LMDBReadTransaction(self)
        return try body(transaction)
    }

    /// Runs `body` in a write transaction, which is committed when `body` returns and aborted when it throws.
    public func write(_ body: (borrowing LMDBWriteTransaction) throws -> Void) throws {
        var transaction = try LMDBWriteTransaction(self)
        try body(transaction)
        try transaction.commit()
    }

    /// Brings everything committed to the disk.
    public func synchronize() throws(Fault) { try check(mdb_env_sync(handle, 1), path, "cannot be synchronized") }

    private static func openDatabase(_ env: OpaquePointer, _ path: String, readOnly: Bool) throws(Fault) -> MDB_dbi {
        var transaction: OpaquePointer?
        let flags = readOnly ? UInt32(MDB_RDONLY) : 0
        try check(mdb_txn_begin(env, nil, flags, &transaction), path, "cannot be opened")
        var database = MDB_dbi()
        let code = mdb_dbi_open(transaction, nil, 0, &database)
        guard code == 0 else {
            mdb_txn_abort(transaction)
            throw lmdbFault(code, path, "cannot be opened")
        }
        try check(mdb_txn_commit(transaction), path, "cannot be opened")
        return database
    }

    /// A page number beyond the end of the file would end in SIGBUS.
    private func checkLength() throws(Fault) {
        var information = MDB_envinfo()
        var statistics = MDB_stat()
        mdb_env_info(handle, &information)
        mdb_env_stat(handle, &statistics)
        var status = stat()
        guard stat(path, &status) == 0 else { throw Fault(.data, path, "cannot be read: \(systemMessage(errno))") }
        let pages = status.st_size / Int(max(1, statistics.ms_psize))
        guard information.me_last_pgno < pages else {
            throw Fault(
                .data, path, "is cut short: it has \(pages) pages and should have \(information.me_last_pgno + 1)")
        }
    }
}

func check(_ code: Int32, _ path: String, _ what: String) throws(Fault) {
    guard code == 0 else { throw lmdbFault(code, path, what) }
}

func lmdbFault(_ code: Int32, _ path: String, _ what: String) -> Fault {
    let reason: String
    let mend: String
    switch code {
    case MDB_MAP_FULL: (reason, mend) = ("the file is full", "")
    case MDB_INVALID, MDB_VERSION_MISMATCH: (reason, mend) = ("it is not an LMDB file that can be read here", "")
    case ENOSPC: (reason, mend) = ("the disk is full", "free some space and run the command again")
    default: (reason, mend) = (String(cString: mdb_strerror(code)), "")
    }
    return Fault(.data, path, "\(what): \(reason)", mend: mend)
}
