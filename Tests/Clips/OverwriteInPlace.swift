import Glibc

/// Writes `bytes` into the file itself, so that whoever has it mapped sees them.
func overwriteInPlace(_ path: String, _ bytes: [UInt8]) throws {
    let file = open(path, O_WRONLY)
    guard file >= 0 else { throw InPlaceError(number: errno) }
    defer { close(file) }
    guard bytes.withUnsafeBytes({ pwrite(file, $0.baseAddress, $0.count, 0) }) == bytes.count else {
        throw InPlaceError(number: errno)
    }
}

struct InPlaceError: Error { let number: Int32 }
