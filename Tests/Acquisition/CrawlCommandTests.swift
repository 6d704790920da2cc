import Clips
import Foundation
import Glibc
import Storage
import TestSupport
import Testing

/// `zoetrope data crawl` and `data trim` as commands, through a program in yt-dlp's place.
@Suite("data crawl and data trim, as commands", .timeLimit(.minutes(2)))
struct CrawlCommandTests {
    private static let ids = ["-abcdefgh_0", "abcdefghij1", "abcdefghij2", "abcdefghij3"]

    /// A folder with annotations and a program that knows one video, or says why it has none.
    private func withFolder(_ body: (String, FakeDownloader) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let fake = try FakeDownloader(in: folder)
            let video = try motionVideo(.right, seed: 1, number: 1, frames: 90, size: 48)
            try writeWhole(video, to: folder + "/bin/\(Self.ids[0]).mp4")
            for (id, words) in [
                (Self.ids[1], "ERROR: [youtube] x: Private video"), (Self.ids[2], "ERROR: [youtube] x: timed out"),
                (Self.ids[3], "ERROR: [youtube] x: This video has been removed by the uploader"),
            ] { try fake.plan(id, words, words) }
            // Two clips of the first video.
            var rows = "label,youtube_id,time_start,time_end,split\n\"moving right\",\(Self.ids[0]),0,2,train\n"
            rows += Self.ids.map { "\"moving right\",\($0),1,3,train\n" }.joined()
            try writeWhole(rows, to: folder + "/train.csv")
            try body(folder, fake)
        }
    }

    private func crawl(_ folder: String, _ more: String...) throws -> Command.Ended {
        let words = [
            "data", "crawl", "--annotations", "train.csv", "--out", "whole", "--yt-dlp", folder + "/bin/yt-dlp",
            "--attempts", "1", "--json",
        ]
        return try Command.run(words + more, in: folder)
    }

    @Test func whatCannotBeHadIsClassifiedAndASecondRunContinues() throws {
        try withFolder { folder, fake in
            let first = try crawl(folder, "--pass", "--cookies", "--pass", "my cookies.txt")
            #expect(first.code == 75, "\(first.errors)")
            #expect(first.json["videos"] as? Int == 4 && first.json["here"] as? Int == 1, "\(first.output)")
            for word in ["private", "network", "removed"] { #expect(first.json[word] as? Int == 1, "\(word)") }
            #expect(first.errors.contains("1 videos may yet come; the same command tries them again"))
            let arguments = try fake.arguments(Self.ids[0])
            let cookies = try #require(arguments.firstIndex(of: "--cookies"))
            #expect(arguments[cookies + 1] == "my cookies.txt" && cookies < arguments.firstIndex(of: "--") ?? 0)
            let report = try text(of: folder + "/whole/crawl.tsv").split(separator: "\n")
            #expect(report.count == 5 && report[1].hasPrefix("\(Self.ids[0])\tdone\t\(Self.ids[0]).mp4\t"))
            #expect(report[2].contains("\tprivate\t") && report[2].hasSuffix("Private video"))

            // What failed on the line is here now; what is gone for good is not asked for.
            try FileManager.default.copyItem(
                atPath: folder + "/bin/\(Self.ids[0]).mp4", toPath: folder + "/bin/\(Self.ids[2]).mp4")
            let second = try crawl(folder)
            #expect(second.code == 0 && second.json["here"] as? Int == 2, "\(second.errors)")
            #expect(Self.ids.map(fake.calls) == [1, 1, 2, 1])
            let third = try crawl(folder, "--again", "private")
            #expect(third.code == 0)
            #expect(Self.ids.map(fake.calls) == [1, 2, 2, 1])
        }
    }

    @Test func usageThatMakesNoSenseIsNamed() throws {
        try withFolder { folder, _ in
            for (words, said) in [
                (["--again", "privat"], "did you mean 'private'?"), (["--jobs", "0"], "--jobs"),
                (["--height", "9"], "--height"),
            ] {
                let ended = try Command.run(
                    ["data", "crawl", "--annotations", "train.csv", "--out", "whole"] + words, in: folder)
                #expect(ended.code == 64 && ended.errors.contains(said), "\(words): \(ended.errors)")
            }
            let absent = try Command.run(
                ["data", "crawl", "--annotations", "train.csv", "--out", "whole", "--yt-dlp", folder + "/none"],
                in: folder)
            #expect(absent.code == 64 && absent.errors.contains("install a current yt-dlp"), "\(absent.errors)")
            try writeWhole("a/b.mp4 0\n", to: folder + "/paths.csv")
            let paths = try Command.run(["data", "crawl", "--annotations", "paths.csv", "--out", "whole"], in: folder)
            #expect(paths.code == 65 && paths.errors.contains("paths.csv:1"), "\(paths.errors)")
            for (words, said) in [
                (["--profile", "slow"], "known are fast, vmz"), (["--short-side", "33"], "33 is odd"),
                (["--part", "3/2"], "--part 3/2"), (["--part", "x"], "write for example 2/8"),
                (["--timeout=-1"], "-1.0 s is not from 0.1"),
            ] {
                let ended = try Command.run(
                    ["data", "trim", "--list", "train.csv", "--videos", "bin", "--out", "clips"] + words, in: folder)
                #expect(ended.code == 64 && ended.errors.contains(said), "\(words): \(ended.errors)")
            }
        }
    }

    private func trim(_ folder: String, out: String, _ more: String...) throws -> Command.Ended {
        let words = [
            "data", "trim", "--list", "train.csv", "--videos", "whole", "--out", out, "--short-side", "32", "--json",
        ]
        return try Command.run(words + more, in: folder)
    }

    @Test func clipsAreCutOutOfWhatWasCrawled() throws {
        try withFolder { folder, _ in
            _ = try crawl(folder)
            // A video that only looks like one.
            try writeWhole(Array("<html>log in</html>".utf8), to: folder + "/whole/\(Self.ids[1]).mp4")
            let first = try trim(folder, out: "clips")
            #expect(first.code == 65 && first.errors.contains("names 3 clips that cannot be had"), "\(first.errors)")
            #expect(first.json["written"] as? Int == 2 && first.json["failed"] as? Int == 3, "\(first.output)")
            let names = ["\(Self.ids[0])_000000_000002.mp4", "\(Self.ids[0])_000001_000003.mp4"]
            #expect(try directoryNames(folder + "/clips") == names + ["profile.txt", "trim.tsv"])
            let report = try text(of: folder + "/clips/trim.tsv").split(separator: "\n").dropFirst()
            #expect(
                report.map { $0.split(separator: "\t")[2] } == ["written", "written", "failed", "failed", "failed"])
            #expect(report.filter { $0.hasSuffix("its video is not here") }.count == 2)
            let again = try trim(folder, out: "clips")
            #expect(again.json["written"] as? Int == 0 && again.json["present"] as? Int == 2, "\(again.output)")

            let other = try trim(folder, out: "clips", "--profile", "vmz")
            #expect(
                other.code == 64 && other.errors.contains("holds clips of another profile: fast, 30"), "\(other.errors)"
            )

            // Two machines, half each: the same clips, the same bytes.
            for part in ["1/2", "2/2"] { #expect(try trim(folder, out: "parts", "--part", part).code == 65) }
            let parts = try directoryNames(folder + "/parts")
            #expect(parts == names + ["profile.txt", "trim-1-of-2.tsv", "trim-2-of-2.tsv"])
            for name in names {
                #expect(try fileDigest(folder + "/parts/" + name) == fileDigest(folder + "/clips/" + name))
            }
            // They pack as they are.
            let lists = try Command.run(
                ["data", "lists", "--annotations", "train.csv", "--videos", "clips", "--out", "lists"], in: folder)
            #expect(lists.code == 0, "\(lists.errors)")
            let packed = try Command.run(
                ["data", "pack", "--list", "lists/train.csv", "--split", "train", "--out", "set", "--json"], in: folder)
            #expect(packed.json["clips"] as? Int == 2 && packed.json["frames"] as? Int == 120, "\(packed.output)")
        }
    }

    /// What cannot be decoded is left out and named; what the profile keeps has no use for is refused.
    @Test func packingInAProfile() throws {
        try withFolder { folder, _ in
            try writeWhole(Array("<html>".utf8), to: folder + "/bin/page.mp4")
            try writeWhole("\(Self.ids[0]).mp4 0\npage.mp4 0\n", to: folder + "/bin/list")
            func pack(_ more: String...) throws -> Command.Ended {
                try Command.run(
                    ["data", "pack", "--list", "bin/list", "--split", "train", "--out", "set", "--json"] + more,
                    in: folder)
            }
            let fast = try pack("--profile", "fast", "--short-side", "32")
            #expect(fast.code == 0 && fast.json["clips"] as? Int == 1, "\(fast.errors)")
            let refused = try #require((fast.json["refused"] as? [[String: Any]])?.first)
            #expect(refused["name"] as? String == "page.mp4" && refused["line"] as? Int == 2)
            #expect((refused["reason"] as? String)?.hasPrefix("zoetrope") == false, "\(refused)")
            let info = try Command.run(["data", "info", "set", "--json"], in: folder)
            let train = try #require((info.json["splits"] as? [String: Any])?["train"] as? [String: Any])
            #expect(train["heights"] as? [Int] == [32, 32] && train["rates"] as? [String: Int] == ["30.00": 1])
            #expect(
                info.json["profile"] as? String
                    == "fast, 30 frames a second, short side 32 at most, up to 7 frames in a row skippable")
            for (words, said) in [
                (["--short-side", "32"], "--short-side 32: has no meaning"),
                (["--profile", "kept"], "did you mean 'keep'?"),
                (["--timeout", "0"], "--timeout"),
            ] {
                let ended = try Command.run(
                    ["data", "pack", "--list", "bin/list", "--split", "train", "--out", "set"] + words, in: folder)
                #expect(ended.code == 64 && ended.errors.contains(said), "\(words): \(ended.errors)")
            }
            // As they are, the videos are looked at by children, too.
            let kept = try pack()
            #expect(kept.code == 0 && kept.json["frames"] as? Int == 90 && kept.json["damaged"] as? [String] == [])
            let named = try #require((kept.json["refused"] as? [[String: Any]])?.first)
            #expect(named["reason"] as? String == refused["reason"] as? String, "\(named)")
        }
    }

    @Test func clipsAsTheNetworkSeesThem() throws {
        try withFolder { folder, _ in
            try writeWhole("\(Self.ids[0]).mp4 0\n", to: folder + "/bin/list")
            let packed = try Command.run(
                ["data", "pack", "--list", "bin/list", "--split", "val", "--out", "set"], in: folder)
            #expect(packed.code == 0, "\(packed.errors)")
            let recipe = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
            let page = try Command.run(
                ["data", "browse", "set", recipe, "--split", "val", "--out", "a.html", "--json"], in: folder)
            #expect(page.code == 0 && page.json["clips"] as? Int == 1, "\(page.errors)")
            #expect(try text(of: folder + "/a.html").contains("0: 0: \(Self.ids[0]).mp4"))
            let words = ["data", "browse", "set", recipe, "--split", "val", "--out"]
            #expect(try Command.run(words + ["b.png"], in: folder).code == 0)
            // IHDR: 8 frames of 56 x 56 beside each other.
            #expect(Array(try readWhole(folder + "/b.png")[16..<24]) == [0, 0, 1, 192, 0, 0, 0, 56])
            let gif = try Command.run(words + ["c.gif"], in: folder)
            #expect(gif.code == 64 && gif.errors.contains("neither in .html nor in .png"))
        }
    }
}
