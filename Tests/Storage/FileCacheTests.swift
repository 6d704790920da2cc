import Faults
import Foundation
import Storage
import Synchronization
import TestSupport
import Testing
import Threads

@Suite("Which files of a full cache go")
struct CacheEvictionTests {
    private func entry(_ name: String, _ bytes: Int, used: Int, inUse: Bool = false) -> CacheEviction.Entry {
        CacheEviction.Entry(name: name, byteCount: bytes, lastUsed: used, isInUse: inUse)
    }

    @Test("The longest unused first, no more than needed, never one in use")
    func order() {
        let entries = [
            entry("c", 40, used: 3), entry("a", 10, used: 1, inUse: true), entry("b", 30, used: 2),
            entry("d", 20, used: 3),
        ]
        func names(_ need: Int, _ limit: Int) -> [String]? {
            CacheEviction.victims(among: entries, need: need, limit: limit)?.map(\.name)
        }
        #expect(names(0, 100) == [])
        #expect(names(50, 150) == [])
        #expect(names(50, 149) == ["b"])
        #expect(names(50, 119) == ["b", "c"])
        #expect(names(50, 79) == ["b", "c", "d"])
        #expect(names(50, 60) == ["b", "c", "d"])
        #expect(names(50, 59) == nil)
    }
}

@Suite("A bounded cache of files by their content")
struct FileCacheTests {
    /// A file of its number, 1000 bytes.
    private func content(_ number: Int) -> [UInt8] { (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* number) } }

    private func file(_ number: Int) -> CachedFile {
        CachedFile(digest: Digest(of: content(number)), byteCount: 1000, name: "file \(number)")
    }

    private func fill(_ partial: PartialFile, _ number: Int) throws(Fault) {
        let bytes = content(number)
        try partial.put(Array(bytes[500...]), at: 500)
        try partial.put(Array(bytes[..<500]), at: 0)
        guard try partial.check() else { throw Fault(.data, "test", "wrong bytes") }
    }

    private func names(_ folder: String) throws -> Set<String> {
        Set(try directoryNames(folder)).subtracting(["lock"])
    }

    @Test("With room for two files, the third takes the place of the one that was used longest ago")
    func bounded() throws {
        try withTemporaryFolder { folder in
            let cache = try FileCache(folder: folder + "/cache", limit: 2500)
            var fills: [Int] = []
            func use(_ number: Int) throws {
                let held = try cache.hold(file(number)) { partial throws(Fault) in
                    fills.append(number)
                    try fill(partial, number)
                }
                #expect(try readWhole(held.path) == content(number))
            }
            for number in [1, 2, 1, 3, 1, 2] { try use(number) }
            // 3 drove 2 out, which was used before 1; then 2 drove 3 out.
            #expect(fills == [1, 2, 3, 2])
            #expect(try names(folder + "/cache") == ["\(file(1).digest)", "\(file(2).digest)"])
        }
    }

    @Test("What is in use stays: whoever needs room waits for it")
    func inUse() throws {
        try withTemporaryFolder { folder in
            let cache = try FileCache(folder: folder + "/cache", limit: 1500)
            let held = Mutex(try cache.hold(file(1)) { partial throws(Fault) in try fill(partial, 1) } as HeldFile?)
            let second = Mutex<HeldFile?>(nil)
            let done = DispatchSemaphore(value: 0)
            let waiting = DedicatedThread(name: "waiting") {
                let got = try? cache.hold(file(2)) { partial throws(Fault) in try fill(partial, 2) }
                second.withLock { $0 = got }
                done.signal()
            }
            #expect(done.wait(timeout: .now() + 0.2) == .timedOut)
            #expect(try readWhole(cache.path(of: file(1).digest)) == content(1))
            held.withLock { $0 = nil }
            try #require(done.wait(timeout: .now() + 60) == .success)
            waiting.join()
            #expect(second.withLock { $0?.file } == file(2))
            #expect(try names(folder + "/cache") == ["\(file(2).digest)"])
        }
    }

    @Test("A file that is larger than the cache is refused, and nothing is asked for")
    func tooSmall() throws {
        try withTemporaryFolder { folder in
            let cache = try FileCache(folder: folder + "/cache", limit: 999)
            let fault = #expect(throws: Fault.self) {
                try cache.hold(file(1)) { _ throws(Fault) in Issue.record("asked for a file that has no room") }
            }
            #expect(fault?.code == .usage)
            #expect(fault?.reason == "a cache of 999 bytes cannot hold file 1 of 1000 bytes")
        }
    }

    @Test("A copy that rotted while nobody looked is dropped, said so, and got again")
    func rotten() throws {
        try withTemporaryFolder { folder in
            do {
                let cache = try FileCache(folder: folder + "/cache", limit: 5000)
                _ = try cache.hold(file(1)) { partial throws(Fault) in try fill(partial, 1) }
                var bytes = content(1)
                bytes[700] ^= 4
                try writeWhole(bytes, to: cache.path(of: file(1).digest))
            }
            let notes = Mutex<[String]>([])
            let cache = try FileCache(folder: folder + "/cache", limit: 5000) { note in
                notes.withLock { $0.append(note) }
            }
            var fills = 0
            let held = try cache.hold(file(1)) { partial throws(Fault) in
                fills += 1
                try fill(partial, 1)
            }
            #expect(fills == 1)
            #expect(try readWhole(held.path) == content(1))
            #expect(
                notes.withLock { $0 }.count { $0.contains("file 1: the copy in") && $0.contains("wrong digest") } == 1)
            // Whoever finds a record damaged later has it dropped, too.
            cache.drop(held)
            #expect(try names(folder + "/cache") == [])
        }
    }

    @Test("Nothing that was not found right gets a name, and what a crash left goes")
    func partial() throws {
        try withTemporaryFolder { folder in
            let cache = try FileCache(folder: folder + "/cache", limit: 5000)
            let leftover = folder + "/cache/part-\(file(2).digest)-1-0"
            try writeWhole([1, 2, 3], to: leftover)
            #expect(throws: Fault.self) {
                try cache.hold(file(1)) { partial throws(Fault) in
                    try partial.put(content(2), at: 0)
                    let isRight = try partial.check()
                    #expect(!isRight)
                }
            }
            #expect(throws: Fault.self) {
                try cache.hold(file(1)) { partial throws(Fault) in
                    try partial.put([1, 2], at: 999)
                }
            }
            #expect(try names(folder + "/cache") == [])
            // A stopped fetch is not remembered: the next one gets it.
            _ = try cache.hold(file(1)) { partial throws(Fault) in try fill(partial, 1) }
            #expect(try names(folder + "/cache") == ["\(file(1).digest)"])
        }
    }

    @Test("Many threads and two caches on one folder: each file right, and never more than the limit")
    func shared() throws {
        try withTemporaryFolder { folder in
            let caches = try (0..<2).map { _ in try FileCache(folder: folder + "/cache", limit: 3000) }
            let problems = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 6) { thread in
                for round in 0..<20 {
                    let number = 1 + (thread * 7 + round * 3) % 5
                    do {
                        let held = try caches[thread % 2].hold(file(number)) { partial throws(Fault) in
                            try fill(partial, number)
                        }
                        let bytes = try readWhole(held.path)
                        if bytes != content(number) { problems.withLock { $0.append("file \(number) is wrong") } }
                        withExtendedLifetime(held) {}
                        let total = try directoryNames(folder + "/cache").reduce(0) { sum, name in
                            // It may be gone by now.
                            sum + ((try? fileSize(folder + "/cache/" + name)) ?? 0)
                        }
                        // A rename between listing and looking counts a file twice.
                        if total > 4000 { problems.withLock { $0.append("\(total) bytes") } }
                    } catch { problems.withLock { $0.append("\(error)") } }
                }
            }
            #expect(problems.withLock { $0 } == [])
        }
    }
}

extension PartialFile {
    /// `withUnsafeBytes` says of no kind of error what it is.
    fileprivate func put(_ bytes: [UInt8], at offset: Int) throws(Fault) {
        let result: Result<Void, Fault> = bytes.withUnsafeBytes { raw in
            do throws(Fault) { return .success(try write(raw, at: offset)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
