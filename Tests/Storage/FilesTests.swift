import Faults
import Foundation
import Glibc
import Storage
import Synchronization
import TestSupport
import Testing
import Threads

@Suite("Files written whole or not at all")
struct FilesTests {
    @Test("A file appears with its bytes at commit, not before, and leaves nothing beside it")
    func appearsAtCommit() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/weights"
            let file = try AtomicFile(path)
            try file.write([4, 5], at: 3)
            try file.write([1, 2, 3], at: 0)
            #expect(!pathExists(path))
            try file.commit()
            #expect(try readWhole(path) == [1, 2, 3, 4, 5])
            #expect(try directoryNames(directory) == ["weights"])
        }
    }

    @Test("What a file system says is free can be counted with, whatever it says")
    func freeBytes() {
        #expect(byteCount(blocks: 1 << 20, of: 4096) == 1 << 32)
        #expect(byteCount(blocks: UInt64.max / 4096, of: 4096) == 1 << 60)
        #expect(byteCount(blocks: .max, of: 4096) == 1 << 60)
    }

    @Test("Dropped without commit it leaves the old file alone and no temporary")
    func droppedLeavesNothing() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/weights"
            try writeWhole("old", to: path)
            do {
                let file = try AtomicFile(path)
                try file.write([9], at: 0)
            }
            #expect(try readWhole(path) == Array("old".utf8))
            #expect(try directoryNames(directory) == ["weights"])
        }
    }

    @Test("Two writers of one name do not mix; the last commit wins")
    func twoWriters() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/f"
            let first = try AtomicFile(path)
            let second = try AtomicFile(path)
            try first.write([1], at: 0)
            try second.write([2, 2], at: 0)
            try second.commit()
            try first.commit()
            #expect(try readWhole(path) == [1])
        }
    }

    @Test("What a killed writer left is taken over by the next one of the same path; other files stay")
    func leftovers() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/f"
            let others = ["f.tmp-mine", "f.tmp-1-0", "g.tmp-mine"]
            for name in others { try writeWhole("other", to: directory + "/" + name) }
            // Longer than what comes.
            try writeWhole("what a writer left that was killed", to: Temporary.name(of: path, number: 0))
            let file = try AtomicFile(path)
            try file.write([7], at: 2)
            try file.commit()
            #expect(try readWhole(path) == [0, 0, 7])
            #expect(try directoryNames(directory) == ["f"] + others.sorted())
            try writeWhole("left again", to: Temporary.name(of: path, number: 0))
            do { _ = try AtomicFile(path) }
            #expect(try directoryNames(directory) == ["f"] + others.sorted())
        }
    }

    @Test("What another process writes is its own as long as it lives")
    func leftoversOfAnotherProcess() throws {
        try withTemporaryFolder { directory in
            let (path, theirs) = (directory + "/f", Temporary.name(of: directory + "/f", number: 0))
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: "/bin/sh")
            writer.arguments = [
                "-c", "exec 9>\"$0\" && flock 9 && echo theirs >&9 && echo locked && read -r line", theirs,
            ]
            let (input, output) = (Pipe(), Pipe())
            (writer.standardInput, writer.standardOutput) = (input, output)
            try writer.run()
            #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
            try writeWhole("ours", to: path)
            #expect(try readWhole(theirs) == Array("theirs\n".utf8))
            kill(writer.processIdentifier, SIGKILL)
            writer.waitUntilExit()
            try writeWhole("ours again", to: path)
            #expect(try directoryNames(directory) == ["f"])
            withExtendedLifetime(input) {}
        }
    }

    /// Whoever opens what another is writing may get its lock when that has its name already.
    @Test("Many writers of one path at once: who reads it finds one of them, whole, and nothing is left")
    func manyWriters() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/f"
            try writeWhole([UInt8](repeating: 1, count: 100), to: path)
            let failures = Mutex<[String]>([])
            let writing = Atomic(3)
            // Threads, because a pool has no more than processors, and who reads waits for those who write.
            _ = mapOnThreads(name: "file", count: 4, threads: 4) { i in
                do {
                    if i == 0 {
                        while writing.load(ordering: .acquiring) > 0 {
                            let bytes = try readWhole(path)
                            let writer = bytes.first.map(Int.init) ?? 0
                            if bytes != [UInt8](repeating: UInt8(writer), count: 100 * max(writer, 1)) {
                                failures.withLock { $0.append("\(bytes.count) bytes that begin with \(writer)") }
                            }
                        }
                    } else {
                        defer { writing.subtract(1, ordering: .releasing) }
                        for _ in 0..<300 { try writeWhole([UInt8](repeating: UInt8(i), count: 100 * i), to: path) }
                    }
                } catch { failures.withLock { $0.append("\(error)") } }
            }
            #expect(failures.withLock { $0 } == [])
            let left = try directoryNames(directory)
            #expect(left == ["f"])
        }
    }

    @Test("Reserved bytes are zero")
    func reserve() throws {
        try withTemporaryFolder { directory in
            let file = try AtomicFile(directory + "/f")
            try file.reserve(4)
            try file.write([7], at: 2)
            try file.commit()
            #expect(try readWhole(directory + "/f") == [0, 0, 7, 0])
        }
    }

    @Test("Faults name the path, the reason and what to do")
    func faults() throws {
        try withTemporaryFolder { directory in
            let missing = #expect(throws: Fault.self) { try readWhole(directory + "/none") }
            #expect(missing?.thing == directory + "/none")
            #expect(missing?.reason.contains("No such file") == true)
            #expect(throws: Fault.self) { try AtomicFile(directory + "/none/f") }
            try writeWhole([1, 2, 3], to: directory + "/f")
            let large = #expect(throws: Fault.self) { try readWhole(directory + "/f", limit: 2) }
            #expect(large?.code == .data)
            #expect(throws: Fault.self) { try makeDirectories(directory + "/f") }
        }
    }

    @Test("A staged directory appears whole, replaces an older one, and clears what a crash left")
    func stagedDirectory() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/step-1"
            try makeDirectories(path + ".tmp/deep/er")
            try writeWhole("left by a crash", to: path + ".tmp/deep/er/f")
            for text in ["one", "two"] {
                let staged = try StagedDirectory(path)
                #expect(try directoryNames(staged.staging).isEmpty)
                try writeWhole(text, to: staged.staging + "/f")
                try staged.commit()
                #expect(try readWhole(path + "/f") == Array(text.utf8))
            }
            do {
                let dropped = try StagedDirectory(path)
                try writeWhole("three", to: dropped.staging + "/f")
            }
            #expect(try readWhole(path + "/f") == Array("two".utf8))
            #expect(try directoryNames(directory) == ["step-1"])
        }
    }

    @Test("Removing a tree does not follow links out of it")
    func removeDoesNotFollowLinks() throws {
        try withTemporaryFolder { directory in
            try makeDirectories(directory + "/outside")
            try writeWhole("keep", to: directory + "/outside/f")
            try makeDirectories(directory + "/tree")
            #expect(symlink(directory + "/outside", directory + "/tree/link") == 0)
            try removeTree(directory + "/tree")
            #expect(!pathExists(directory + "/tree"))
            #expect(try readWhole(directory + "/outside/f") == Array("keep".utf8))
        }
    }

    @Test("A second lock is refused with the holder's words, and granted when the first goes")
    func lock() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/lock"
            var first: LockFile? = try LockFile(path, holder: "process 12 on host a")
            let refused = #expect(throws: Fault.self) { try LockFile(path, holder: "b") }
            #expect(refused?.reason.contains("process 12 on host a") == true)
            withExtendedLifetime(first) {}
            first = nil
            _ = try LockFile(path, holder: "c")
            #expect(try readWhole(path) == Array("c".utf8))
        }
    }

    /// A process that is being started has it until it runs its program.
    @Test("A lock goes with its holder, whoever has a copy of the descriptor")
    func lockWithACopy() throws {
        try withTemporaryFolder { directory in
            let path = directory + "/lock"
            var first: LockFile? = try LockFile(path, holder: "a")
            // Temporary folders have names of their own.
            let end = URL(fileURLWithPath: directory).lastPathComponent + "/lock"
            let held = try directoryNames("/proc/self/fd").filter { name in
                let file = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
                return file?.hasSuffix(end) == true
            }
            let copies = held.compactMap(Int32.init).map { dup($0) }
            defer { for copy in copies { close(copy) } }
            withExtendedLifetime(first) {}
            try #require(copies.count == 1 && copies[0] >= 0, "\(copies)")
            first = nil
            _ = try LockFile(path, holder: "b")
        }
    }
}
