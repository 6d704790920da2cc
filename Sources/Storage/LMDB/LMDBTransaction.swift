import CLMDB
public import Faults

/// A consistent view of an environment. The owner of a read-only `MDB_txn`.
public struct LMDBReadTransaction: ~Copyable {
    private let environment: LMDBEnvironment
    private let handle: OpaquePointer

    init(_ environment: LMDBEnvironment) throws(Fault) {
        var handle: OpaquePointer?
        try check(
            mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &handle), environment.path, "cannot be read")
        guard let handle else { throw Fault(.internal, environment.path, "LMDB gave no transaction") }
        self.environment = environment
        self.handle = handle
    }

    deinit { mdb_txn_abort(handle) }

    /// The value of `key`, in place in the mapped file, valid as long as the transaction; `nil` when there is none.
    ///
    /// LMDB trusts the pages between its meta pages: whoever got the file from elsewhere checks its digest first.
    public func value(of key: [UInt8]) throws(Fault) -> UnsafeRawBufferPointer? {
        var key = key
        var value = MDB_val()
        let code = key.withUnsafeMutableBytes { bytes in
            var name = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            return mdb_get(handle, environment.database, &name, &value)
        }
        if code == MDB_NOTFOUND { return nil }
        try check(code, environment.path, "cannot be read")
        return UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }
}

/// Changes that become visible together. The owner of a writing `MDB_txn`.
public struct LMDBWriteTransaction: ~Copyable {
    private let environment: LMDBEnvironment
    /// `nil` once committed, which frees it, also when it fails.
    private var handle: OpaquePointer?

    init(_ environment: LMDBEnvironment) throws(Fault) {
        var handle: OpaquePointer?
        try check(mdb_txn_begin(environment.handle, nil, 0, &handle), environment.path, "cannot be written")
        self.environment = environment
        self.handle = handle
    }

    deinit { mdb_txn_abort(handle) }

    /// Adds a record behind all others: `key` must be greater than every key so far.
    public func append(key: [UInt8], value: UnsafeRawBufferPointer) throws(Fault) {
        var key = key
        let code = key.withUnsafeMutableBytes { bytes in
            var name = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            // LMDB only reads from it: `mv_data` is not const because the same struct also carries results.
            var data = MDB_val(mv_size: value.count, mv_data: UnsafeMutableRawPointer(mutating: value.baseAddress))
            return mdb_put(handle, environment.database, &name, &data, UInt32(MDB_APPEND))
        }
        try check(code, environment.path, "cannot be written")
    }

    mutating func commit() throws(Fault) {
        let committed = handle
        handle = nil
        try check(mdb_txn_commit(committed), environment.path, "cannot be written")
    }
}
