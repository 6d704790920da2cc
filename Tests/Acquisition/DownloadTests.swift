import Acquisition
import Faults
import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

@Suite("Downloads from a server that misbehaves") struct DownloadTests {
    private static let part = "/k/400/train/part_1.tar.gz"

    @Test func everythingComesAndNothingComesTwice() throws {
        let tree = try PublishedTree()
        let options = try tree.options()
        let report = try download(options)
        #expect(report.count(.complete) == 3 + 3 + 6 + 1 && report.files.count == 13)
        let names = try PublishedTree.content(options.out).keys
        #expect(names.contains("archives/train/part_3.tar.gz") && names.contains("archives/val/part_0.tar.gz.receipt"))
        #expect(!names.contains { $0.contains(".part.") || $0.hasSuffix(".part") || $0.contains("tmp") }, "\(names)")
        tree.server.forgetRequests()
        #expect(try download(options).files.allSatisfy { $0.status == .complete && $0.attempts == 0 })
        #expect(tree.server.requests.isEmpty, "what is here is asked for again")
    }

    @Test(arguments: [
        FileServer.Behaviour.status(503, retryAfter: 0), .status(429), .breakOff(after: 9000), .breakOff(after: 0),
        .hang(after: 20_000), .hang(after: 0), .webPage, .shorten(to: 30_000), .shorten(to: 0), .ignoreRange,
        .corrupt(Array("no archive at all".utf8)),
    ])
    func onceMisbehaving(behaviour: FileServer.Behaviour) throws {
        let tree = try PublishedTree()
        let expected = try download(try tree.options("quiet"))
        // The second answer breaks off, too, so that ranges are asked for, and ignored.
        tree.server.plan(Self.part, [behaviour, .breakOff(after: 12_000), behaviour, .serve])
        var options = try tree.options("bad")
        options.policy.attempts = 10
        let report = try download(options)
        #expect(report.files.map(\.digest) == expected.files.map(\.digest), "\(report.table)")
        #expect(
            try PublishedTree.content(tree.folder + "/quiet") == PublishedTree.content(tree.folder + "/bad"))
    }

    @Test func aBrokenDownloadGoesOnWhereItStopped() throws {
        let tree = try PublishedTree()
        tree.server.plan(Self.part, [.breakOff(after: 10_000), .breakOff(after: 5000)])
        _ = try download(try tree.options())
        let requests = tree.server.requests.filter { $0.path == Self.part && $0.method == "GET" }
        #expect(requests.map(\.offset) == [nil, 10_000, 15_000])
        #expect(requests.map(\.ifRange) == [nil, "\"train1\"", "\"train1\""])
    }

    @Test func aFileThatChangesMeanwhileIsFetchedWhole() throws {
        let tree = try PublishedTree()
        tree.server.plan(Self.part, [.breakOff(after: 10_000)])
        var tar = TarWriter()
        tar.add("new.mp4", [UInt8](repeating: 9, count: 40_000))
        let (server, replacement) = (tree.server, tar.gzipped)
        var options = try tree.options()
        options.jobs = 1
        // Between the first attempt and the second.
        options.note = { _ in server.put(Self.part, FileServer.File(replacement, etag: "\"new\"")) }
        _ = try download(options)
        #expect(try readWhole(options.out + "/archives/train/part_1.tar.gz") == tar.gzipped)
    }

    @Test(arguments: [403, 404, 410])
    func whatIsNotThereIsNamedAndTheRestComes(status: Int) throws {
        let tree = try PublishedTree()
        tree.server.put(Self.part, nil)
        if status != 404 {
            tree.server.put(Self.part, FileServer.File([1]))
            tree.server.plan(Self.part, [.status(status)])
        }
        let report = try download(try tree.options())
        #expect(report.count(.missing) == 1 && report.count(.complete) == 12)
        let missing = report.files.first { $0.status == .missing }
        #expect(missing?.name == "archives/train/part_1.tar.gz" && missing?.reason.contains("\(status)") == true)
        let table = try readWhole(tree.folder + "/a/download.tsv")
        #expect(String(decoding: table, as: UTF8.self).contains("archives/train/part_1.tar.gz\ttrain\tmissing"))
    }

    @Test func theSameDamageTwiceIsTheServers() throws {
        let tree = try PublishedTree()
        var tar = TarWriter()
        tar.add("a.mp4", [UInt8](repeating: 1, count: 5000))
        var bytes = tar.gzipped
        bytes[300] ^= 1
        tree.server.put(Self.part, FileServer.File(bytes))
        let report = try download(try tree.options())
        let missing = try #require(report.files.first { $0.status == .missing })
        #expect(missing.reason.contains("in two downloads alike"), "\(missing.reason)")
        #expect(!pathExists(tree.folder + "/a/archives/train/part_1.tar.gz"))
    }

    @Test func anEndlessFailureIsNoMissingFile() throws {
        let tree = try PublishedTree()
        tree.server.plan(Self.part, Array(repeating: .status(503), count: 20))
        let report = try download(try tree.options())
        #expect(report.count(.failed) == 1 && report.count(.complete) == 12)
        #expect(report.files.first { $0.status == .failed }?.reason.contains("4 times in a row") == true)
    }

    @Test func aListThatDoesNotComeEndsItAll() throws {
        let tree = try PublishedTree()
        tree.server.put("/k/400/val/k400_val_path.txt", nil)
        let gone = #expect(throws: Fault.self) { try download(try tree.options()) }
        #expect(gone?.code == .data && gone?.thing == "lists/val.txt")
        tree.server.stop()
        let unreachable = #expect(throws: Fault.self) { try download(try tree.options("b")) }
        #expect(unreachable?.code == .stoppedEarly)
    }

    @Test func spaceIsCheckedBeforeAnArchiveComes() throws {
        let tree = try PublishedTree()
        var options = try tree.options()
        options.freeBytes = { _ in (64 << 20) + 1000 }
        let fault = #expect(throws: Fault.self) { try download(options) }
        #expect(fault?.reason.contains("free") == true && fault?.code == .stoppedEarly)
        #expect(!tree.server.requests.contains { $0.method == "GET" && $0.path.hasSuffix("gz") })
    }

    @Test func partsAndSplits() throws {
        let tree = try PublishedTree()
        var options = try tree.options(splits: ["train"])
        options.parts = try PartSelection("1-2")
        let report = try download(options)
        let archives = report.files.filter { $0.name.hasPrefix("archives/train") }.map(\.name)
        #expect(archives == ["archives/train/part_1.tar.gz", "archives/train/part_2.tar.gz"])
        options.parts = try PartSelection("50")
        #expect(throws: Fault.self) { try download(options) }
    }

    @Test func whatPeopleBroughtIsTestedFirst() throws {
        let tree = try PublishedTree()
        _ = try download(try tree.options("whole"))
        let options = try tree.options()
        let good = try readWhole(tree.folder + "/whole/archives/train/part_0.tar.gz")
        let folder = options.out + "/archives/train"
        try makeDirectories(folder)
        try writeWhole(good, to: folder + "/part_0.tar.gz")
        // As a downloader leaves it that was ended.
        try writeWhole(Array(good.prefix(good.count / 2)), to: folder + "/part_1.tar.gz")
        let report = try download(options)
        #expect(report.count(.complete) == 13)
        #expect(pathExists(folder + "/part_1.tar.gz.damaged"))
        let gets = tree.server.requests.filter { $0.method == "GET" && $0.path == "/k/400/train/part_0.tar.gz" }
        #expect(gets.count == 1, "only the first download's")
        #expect(
            try readWhole(folder + "/part_1.tar.gz") == readWhole(tree.folder + "/whole/archives/train/part_1.tar.gz"))
    }

    @Test func refreshFetchesWhatTheServerReplaced() throws {
        let tree = try PublishedTree()
        var options = try tree.options()
        _ = try download(options)
        var tar = TarWriter()
        tar.add("new.mp4", [1, 2, 3])
        tree.server.put(Self.part, FileServer.File(tar.gzipped, etag: "\"new\""))
        #expect(try download(options).files.allSatisfy { $0.attempts == 0 })
        options.refresh = true
        // What is here needs no room once more.
        options.freeBytes = { _ in (64 << 20) + 10_000 }
        tree.server.forgetRequests()
        _ = try download(options)
        #expect(try readWhole(options.out + "/archives/train/part_1.tar.gz") == tar.gzipped)
        #expect(tree.server.requests.filter { $0.method == "GET" && $0.path.hasSuffix("gz") }.count == 1)
    }

    @Test func refreshKeepsWhatIsHereUntilTheNewOneIsWhole() throws {
        let tree = try PublishedTree()
        var options = try tree.options()
        _ = try download(options)
        let path = options.out + "/archives/train/part_1.tar.gz"
        let before = try readWhole(path)
        // As a network answers that wants people to log in.
        tree.server.put(Self.part, FileServer.File(Array("<!DOCTYPE html><html>log in</html>".utf8), etag: nil))
        options.refresh = true
        let report = try download(options)
        #expect(report.count(.failed) == 1 && report.count(.complete) == 12, "\(report.table)")
        #expect(try readWhole(path) == before)
        options.refresh = false
        #expect(try download(options).count(.complete) == 13)
    }

    @Test func twoAtOnceAreRefused() throws {
        let tree = try PublishedTree()
        let options = try tree.options()
        try makeDirectories(options.out)
        let lock = try LockFile(options.out + "/download.lock", holder: "another")
        let fault = #expect(throws: Fault.self) { try download(options) }
        #expect(fault?.reason.contains("another") == true)
        withExtendedLifetime(lock) {}
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func stoppedAndContinuedItGivesTheSame(seed: UInt64) throws {
        let tree = try PublishedTree()
        _ = try download(try tree.options("quiet"))
        var dice = seed
        func draw(_ bound: Int) -> Int {
            dice = dice &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(dice >> 33) % bound
        }
        var stops = 0
        var isDone = false
        for attempt in 0..<50 where !isDone {
            var options = try tree.options("stopped")
            let moment = attempt < 5 ? 1 + draw(120_000) : Int.max
            let cancellation = options.cancellation
            options.jobs = 1 + draw(3)
            options.progress = { if $0.bytes >= moment { cancellation.cancel() } }
            for part in 0..<4 {
                tree.server.plan(
                    "/k/400/train/part_\(part).tar.gz", [.breakOff(after: draw(40_000)), .status(503), .ignoreRange])
            }
            do {
                _ = try download(options)
                isDone = true
            } catch {
                #expect(error.code == .stoppedEarly, "seed \(seed): \(error)")
                stops += 1
            }
        }
        #expect(isDone && stops > 0, "seed \(seed): \(stops) stops")
        #expect(
            try PublishedTree.content(tree.folder + "/quiet") == PublishedTree.content(tree.folder + "/stopped"),
            "seed \(seed)")
    }
}
