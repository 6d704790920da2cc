import Acquisition
import Faults
import Foundation
import Glibc
import Storage
import Synchronization
import Testing

extension FakeDownloader {
    var out: String { folder + "/videos" }

    func options(_ ids: [String]) throws -> CrawlOptions {
        let rows = ids.enumerated().map { CrawlRow(id: $1, end: 20, place: "train.csv:\($0 + 2)") }
        var options = CrawlOptions(plan: try CrawlPlan(rows), out: out)
        options.program = program
        options.policy.firstWait = 0.001
        options.limitedWait = 0.001
        options.policy.attempts = 3
        return options
    }
}

@Suite("Crawls through a program in yt-dlp's place") struct CrawlTests {
    private static let ids = (0..<8).map { "-a_\($0)bcdefgh" }.map { String($0.prefix(11)) }

    @Test func videosComeUnderTheirIdentities() throws {
        let fake = try FakeDownloader()
        try fake.plan(Self.ids[1], "webm")
        let report = try crawl(try fake.options(Array(Self.ids.prefix(3))))
        #expect(report.here == 3 && report.videos.map(\.status) == [.done, .done, .done])
        #expect(report.videos.map(\.file) == [Self.ids[0] + ".mp4", Self.ids[1] + ".webm", Self.ids[2] + ".mp4"])
        #expect(report.videos[0].seconds == 30.5 && report.videos[1].seconds == nil)
        #expect(try readWhole(fake.out + "/" + Self.ids[0] + ".mp4") == Array("video \(Self.ids[0])".utf8))
        let arguments = try fake.arguments(Self.ids[0])
        // An identity that begins with '-' is never a word of its own, and nothing after "--" is an option.
        #expect(arguments.suffix(2) == ["--", "https://www.youtube.com/watch?v=" + Self.ids[0]])
        #expect(!arguments.contains(Self.ids[0]))
        #expect(try directoryNames(fake.out) == report.videos.map(\.file).sorted() + [".crawl.lock", "crawl.tsv"])
    }

    @Test func aVideoOfSeveralClipsComesOnce() throws {
        let plan = try CrawlPlan([
            CrawlRow(id: Self.ids[0], end: 90, place: "a:1"), CrawlRow(id: Self.ids[1], end: nil, place: "a:2"),
            CrawlRow(id: Self.ids[0], end: 40, place: "a:3"),
        ])
        #expect(plan.videos.map(\.id) == [Self.ids[0], Self.ids[1]])
        #expect(plan.videos.map(\.shortestEnd) == [40, nil])
        for id in ["#NAME?", "", "short", "abc;rm -rf ", "abcdefghij/", "--exec=true1"] {
            let fault = #expect(throws: Fault.self) { try CrawlPlan([CrawlRow(id: id, end: 1, place: "train.csv:7")]) }
            #expect(fault?.thing == "train.csv:7", "'\(id)'")
        }
    }

    @Test(arguments: [
        (
            "ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video",
            CrawlFailure.private
        ),
        ("ERROR: [youtube] x: Video unavailable. This video is private", .private),
        ("ERROR: [youtube] x: Join this channel to get access to members-only content like this video", .private),
        ("ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader", .removed),
        ("ERROR: [youtube] x: Video unavailable", .removed),
        (
            "ERROR: [youtube] x: This video is no longer available because the YouTube account associated with this video "
                + "has been terminated.", .removed
        ),
        ("ERROR: [youtube] x: This video is no longer available due to a copyright claim by Y", .removed),
        ("ERROR: [youtube] x: The uploader has not made this video available in your country", .blocked),
        (
            "ERROR: [youtube] x: Video unavailable. This video contains content from Y, who has blocked it in your country "
                + "on copyright grounds", .blocked
        ),
        ("ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users.", .age),
        ("ERROR: [youtube] x: Sign in to confirm you\u{2019}re not a bot. Use --cookies", .limited),
        ("ERROR: unable to download video data: HTTP Error 429: Too Many Requests", .limited),
        ("ERROR: [youtube] x: Premieres in 2 hours", .live),
        ("ERROR: [youtube] x: This live event will begin in 3 days.", .live),
        ("ERROR: [youtube] x: This live stream recording is not available.", .live),
        ("ERROR: unable to download video data: HTTP Error 403: Forbidden", .network),
        ("ERROR: [youtube] x: Unable to download API page: The read operation timed out", .network),
        ("ERROR: [youtube] x: <urlopen error [Errno -3] Temporary failure in name resolution>", .network),
        ("WARNING: Private video\nERROR: something nobody has seen", .other), ("", .other),
    ])
    func whatTheWordsMean(words: String, failure: CrawlFailure) {
        #expect(CrawlFailure(words) == failure)
    }

    @Test func whatPassesIsTriedAgainAndTheRestIsNot() throws {
        let fake = try FakeDownloader()
        let ids = Self.ids
        try fake.plan(ids[0], "ERROR: timed out", "ERROR: HTTP Error 429: Too Many Requests", "good")
        try fake.plan(ids[1], "ERROR: Private video")
        try fake.plan(ids[2], "short")
        try fake.plan(ids[3], "page", "page", "page")
        try fake.plan(ids[4], "nothing", "two", "good")
        try fake.plan(ids[5], "ERROR: odd", "ERROR: odd", "ERROR: odd")
        let report = try crawl(try fake.options(Array(ids.prefix(6))))
        let statuses: [CrawlOutcome.Status] = [
            .done, .failed(.private), .failed(.short), .failed(.network), .done, .failed(.other),
        ]
        #expect(report.videos.map(\.status) == statuses)
        #expect(report.videos.map(\.attempts) == [3, 1, 1, 3, 3, 3])
        #expect(report.here == 2 && report.passing == 2 && report.count(.private) == 1)
        #expect(report.videos[5].message == "ERROR: odd")
        #expect(try directoryNames(fake.out).filter { $0.hasPrefix("-") } == [ids[0] + ".mp4", ids[4] + ".mp4"])
    }

    @Test func aSecondRunContinuesFromTheReport() throws {
        let fake = try FakeDownloader()
        let ids = Array(Self.ids.prefix(4))
        try fake.plan(ids[0], "ERROR: Private video", "good")
        try fake.plan(ids[1], "ERROR: odd", "ERROR: odd", "ERROR: odd", "good")
        var options = try fake.options(ids)
        _ = try crawl(options)
        // As a process leaves it that was ended in the middle of a line.
        var bytes = try readWhole(fake.out + "/crawl.tsv")
        bytes += Array("\(ids[2])\tpriv".utf8)
        try writeWhole(bytes, to: fake.out + "/crawl.tsv")
        let second = try crawl(options)
        #expect(ids.map(fake.calls) == [1, 4, 1, 1])
        #expect(second.videos.map(\.status) == [.failed(.private), .done, .done, .done])
        options.again = [.private]
        #expect(try crawl(options).here == 4)
        #expect(ids.map(fake.calls) == [2, 4, 1, 1])
        // Of a video that somebody removed the report says that it is here; the disk counts.
        try removeTree(fake.out + "/" + ids[3] + ".mp4")
        #expect(try crawl(options).here == 4)
        #expect(ids.map(fake.calls) == [2, 4, 1, 2])
    }

    @Test func whatOthersBroughtIsKept() throws {
        let fake = try FakeDownloader()
        try makeDirectories(fake.out)
        try writeWhole([1, 2, 3], to: fake.out + "/" + Self.ids[0] + ".mkv")
        let report = try crawl(try fake.options([Self.ids[0]]))
        #expect(report.videos[0].status == .present && fake.calls(Self.ids[0]) == 0)
    }

    @Test func aProgramThatHangsIsEndedWithItsChildren() throws {
        let fake = try FakeDownloader()
        try fake.plan(Self.ids[0], "hang", "good")
        var options = try fake.options([Self.ids[0]])
        options.patience = 0.5
        // On a busy machine a good attempt may take longer, too.
        options.policy.attempts = 50
        let report = try crawl(options)
        #expect(report.videos[0].status == .done && report.videos[0].attempts >= 2)
        #expect(report.videos[0].bytes == "video \(Self.ids[0])".utf8.count, "nothing of the half is left")
    }

    @Test func stoppedItLeavesNothingHalf() throws {
        let fake = try FakeDownloader()
        for id in Self.ids.dropFirst(2) { try fake.plan(id, "hang", "good") }
        var options = try fake.options(Self.ids)
        let cancellation = options.cancellation
        options.progress = { done, _, _ in if done == 2 { cancellation.cancel() } }
        let fault = #expect(throws: Fault.self) { try crawl(options) }
        #expect(fault?.code == .stoppedEarly)
        #expect(try directoryNames(fake.out).filter { $0.hasPrefix("-") }.count == 2)
        options = try fake.options(Self.ids)
        // A video that was under way, or not begun, when the first stopped.
        options.patience = 1
        options.policy.attempts = 50
        let report = try crawl(options)
        #expect(report.here == Self.ids.count)
        #expect(
            try report.videos.allSatisfy { try readWhole(fake.out + "/" + $0.file) == Array("video \($0.id)".utf8) })
    }

    @Test func withoutTheProgramItSaysSo() throws {
        let fake = try FakeDownloader()
        var options = try fake.options([Self.ids[0]])
        options.program = fake.folder + "/not-there"
        let fault = #expect(throws: Fault.self) { try crawl(options) }
        #expect(fault?.code == .usage && fault?.mend.contains("install a current yt-dlp") == true)
    }
}
