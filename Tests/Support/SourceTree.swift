import Foundation
import Synchronization

/// The folder that holds Package.swift.
public let sourceTree: String = {
    var url = URL(fileURLWithPath: #filePath)
    while !FileManager.default.fileExists(atPath: url.appendingPathComponent("Package.swift").path), url.path != "/" {
        url.deleteLastPathComponent()
    }
    return url.path
}()

/// The shared folder beside the tree with real videos; `nil` where it is missing, and the tests that need it say so.
public let sharedClips: String? = {
    let path = URL(fileURLWithPath: sourceTree).deletingLastPathComponent().appendingPathComponent("shared/clips").path
    return FileManager.default.fileExists(atPath: path) ? path : nil
}()

/// The text of a file.
public func text(of path: String) throws -> String {
    try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
}

/// A fresh folder for `body`, removed afterwards.
public func withTemporaryFolder<T>(_ body: (String) throws -> T) throws -> T {
    let path = NSTemporaryDirectory() + "zoetrope-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Where something lies that many tests of this process share: removed when the process ends, unless it is killed.
/// - Parameter name: Of one purpose; nothing is there the first time.
public func folderOfThisProcess(_ name: String) -> String {
    let path = NSTemporaryDirectory() + "zoetrope-\(name)-\(ProcessInfo.processInfo.processIdentifier)"
    shared.withLock { folders in
        if folders.isEmpty {
            atexit { for folder in shared.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder) } }
        }
        folders.insert(path)
    }
    return path
}

private let shared = Mutex<Set<String>>([])
