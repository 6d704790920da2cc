import Faults
import Glibc
import Storage
import TestSupport
import Testing

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

    @Test("What a killed writer left goes; what a living one writes, and other files, stay")
    func leftovers() throws {
        try withTemporaryFolder { directory in
            // No process has so high a number: the kernel's limit is 2 to the 22.
            for name in ["f.tmp-8388607-0", "f.tmp-1-0", "f.tmp-mine", "g.tmp-8388607-0"] {
                try writeWhole("half", to: directory + "/" + name)
            }
            let file = try AtomicFile(directory + "/f")
            try AtomicFile.clearLeftovers(of: directory + "/f")
            try file.commit()
            #expect(try directoryNames(directory).sorted() == ["f", "f.tmp-1-0", "f.tmp-mine", "g.tmp-8388607-0"])
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
}
