import Clips
import Curation
import Faults
import Foundation
import Randomness
import Storage
import TestSupport
import Testing
import Threads

/// Files and what is to be said of them.
private struct Case {
    let name: String
    /// `nil`: there is no such file.
    let bytes: [UInt8]?
    /// `nil`: sound.
    let stage: CheckStage?
    var word = ""
}

@Suite struct CheckTests {
    /// Videos of every kind of damage, `count` in all, drawn from `seed`.
    private func cases(_ count: Int, seed: UInt64) throws -> [Case] {
        let bases = try (0..<4).map { try smallVideo(frames: 18 + $0, seed: UInt64(1 + $0)) }
        let fast = bases.compactMap(indexFirst)
        #expect(fast.count == bases.count)
        let odd = [
            Case(name: "", bytes: try smallVideo(frames: 9), stage: .length, word: "9 frames"),
            Case(name: "", bytes: try smallVideo(width: 48, height: 16), stage: .size, word: "48x16"),
            Case(name: "", bytes: try smallVideo(framesPerSecond: 2), stage: .rate, word: "2.0 frames"),
        ]
        return try (0..<count).map { i in
            let draws = Draws(seed: seed, place: UInt64(i), purpose: .simulation)
            let base = bases[i / 10 % bases.count]
            let name = "video \(i).mp4"
            switch i % 10 {
            case 0, 1: return Case(name: name, bytes: base + [], stage: nil)
            case 2: return Case(name: name, bytes: nil, stage: .missing, word: "missing")
            case 3: return Case(name: name, bytes: [], stage: .open, word: "empty")
            case 4:
                let page = "<!DOCTYPE html><html><head><title>403 Forbidden</title></head></html>\n"
                return Case(name: name, bytes: Array(page.utf8), stage: .open, word: "not a video")
            case 5:
                // The index stands at the end: without it nothing is to be found.
                return Case(
                    name: name, bytes: Array(base.prefix(8 + draws.integer(0, below: base.count - 800))), stage: .open)
            case 6:
                // Whole frames are there and others are not.
                let whole = fast[i / 10 % fast.count]
                let frames = try #require(box("mdat", of: whole))
                let cut = frames.lowerBound + 8 + frames.count / 4 + draws.integer(0, below: frames.count / 2)
                return Case(name: name, bytes: Array(whole.prefix(cut)), stage: .decode)
            case 7:
                // A hole, as a disk leaves that lost some blocks.
                let frames = try #require(box("mdat", of: base))
                var holed = base
                let start = frames.lowerBound + 8 + frames.count / 4 + draws.integer(0, below: frames.count / 3)
                for k in start..<min(start + 400, frames.upperBound) { holed[k] = 0 }
                return Case(name: name, bytes: holed, stage: .decode)
            case 8:
                return Case(
                    name: name, bytes: odd[i / 10 % 3].bytes, stage: odd[i / 10 % 3].stage, word: odd[i / 10 % 3].word)
            default:
                // Noise with a video's beginning.
                return Case(
                    name: name, bytes: Array(base.prefix(32)) + (0..<2000).map { UInt8(draws.integer($0, below: 256)) },
                    stage: .open)
            }
        }
    }

    /// 100 videos; `ZOETROPE_DAMAGED_VIDEOS=1000` makes them 1,000.
    @Test func damagedVideosAreNamedWithTheRightReason() throws {
        let count = ProcessInfo.processInfo.environment["ZOETROPE_DAMAGED_VIDEOS"].flatMap(Int.init) ?? 100
        let seed: UInt64 = 77
        try withTemporaryFolder { folder in
            for (i, one) in try cases(count, seed: seed).enumerated() {
                let path = folder + "/" + one.name
                if let bytes = one.bytes { try writeWhole(bytes, to: path) }
                let found = Examined(path: path)
                var told: (stage: CheckStage, reason: String)?
                switch found {
                case .bad(let stage, let reason): told = (stage, reason)
                case .sound(let facts): told = CheckRules().problem(with: facts)
                }
                #expect(told?.stage == one.stage, "seed \(seed), case \(i): \(found)")
                if let told, !one.word.isEmpty {
                    #expect(told.reason.contains(one.word), "seed \(seed), case \(i): \(told.reason)")
                }
                #expect(Examined(text: found.text) == found)
            }
        }
    }

    /// Children that answer from a table, crash, hang, and talk nonsense, in the shell's words.
    private func check(_ folder: String, _ script: String) throws -> (report: CheckReport, list: ClipList) {
        var lines = ""
        for name in ["a", "crash", "b", "hang", "nonsense", "c"] {
            try writeWhole([1], to: "\(folder)/\(name).mp4")
            lines += "\(name).mp4 \(lines.isEmpty ? 0 : 1)\n"
        }
        try writeWhole(lines + "gone.mp4 0\n", to: folder + "/list")
        let list = try ClipList(path: folder + "/list")
        var check = ListCheck(command: ["/bin/sh", "-c", script])
        // Whoever answers has this long on a busy machine, too.
        check.limits.seconds = 10
        check.workers = 2
        return (try check.run([list], journal: try CheckJournal(folder + "/journal")), list)
    }

    private let sound = "printf 'sound\\t9\\t20\\t64\\t64\\t25.0\\t0.8\\th264\\n'"

    @Test func aCrashOrAHangCostsOneVideo() throws {
        try withTemporaryFolder { folder in
            let script =
                "while read -r l; do case $l in *crash*) kill -SEGV $$;; *hang*) cat >/dev/null;; *nonsense*) echo what;; *) \(sound);; esac; done"
            let (report, list) = try check(folder, script)
            #expect(report.bad.map(\.id) == ["crash", "hang", "nonsense", "gone"])
            #expect(report.bad.map(\.stage) == [.crash, .limit, .crash, .missing])
            #expect(report.bad[0].reason == "the decoder ended with SIGSEGV")
            #expect(report.bad.map(\.place.line) == [2, 4, 5, 7])
            #expect(report.coverage == Coverage(listed: [2, 5], present: [1, 2]))
            #expect(report.resumed == 0)
            let table = report.quarantine(classes: ["x", "y y"])
            #expect(table.contains("crash\ty y\tcrash\tthe decoder ended with SIGSEGV\t\(folder)/crash.mp4\t"))
            #expect(try list.text(without: [2, 4, 5, 7]) == "a.mp4 0\nb.mp4 1\nc.mp4 1\n")
            // A second run asks nobody: its command would fail if it did.
            let again = try check(folder, "exit 3").report
            #expect(again.resumed == 0, "the files were written anew, so nothing holds any more")
        }
    }

    /// Threads that ask at once each get the answer to their own question, and a crash costs the video that caused it.
    @Test func aPoolOfChildrenAnswersSeveralThreads() throws {
        let script = "while read -r l; do case $l in *3) kill -SEGV $$;; *) printf 'about %s\\n' \"$l\";; esac; done"
        let pool = ExaminerPool(command: ["/bin/sh", "-c", script], limits: ExaminerLimits())
        let answers = mapOnThreads(name: "asking", count: 40, threads: 4) { i in
            Result { () throws(Fault) in try pool.ask("video\t\(i)") }
        }
        for (i, answer) in answers.enumerated() {
            switch answer {
            case .success(let text): #expect(i % 10 != 3 && text == "about video\\t\(i)")
            case .failure(let fault):
                #expect(i % 10 == 3 && fault.code == .data && fault.reason == "the decoder ended with SIGSEGV")
            }
        }
        let absent = ExaminerPool(command: ["/nowhere/zoetrope"], limits: ExaminerLimits())
        #expect(throws: Fault.self) { try absent.ask("a") }
    }

    @Test func aCheckGoesOnWhereItWasEnded() throws {
        try withTemporaryFolder { folder in
            try writeWhole([1], to: folder + "/a.mp4")
            try writeWhole([1, 2], to: folder + "/b.mp4")
            try writeWhole("a.mp4 0\nb.mp4 0\n", to: folder + "/list")
            let list = try ClipList(path: folder + "/list")
            let answering = ListCheck(command: ["/bin/sh", "-c", "while read -r l; do \(sound); done"])
            let failing = ListCheck(command: ["/bin/sh", "-c", "exit 3"])
            let first = try answering.run([list], journal: try CheckJournal(folder + "/journal"))
            #expect(first.bad.isEmpty && first.resumed == 0)
            let second = try failing.run([list], journal: try CheckJournal(folder + "/journal"))
            #expect(second.bad.isEmpty && second.resumed == 2)
            // A line that a crash cut is as good as none, and a file that changed is looked at again.
            let whole = try readWhole(folder + "/journal")
            try writeWhole(Array(whole.dropLast(20)), to: folder + "/journal")
            let third = try failing.run([list], journal: try CheckJournal(folder + "/journal"))
            #expect(third.resumed == 1)
            #expect(third.bad.map(\.reason) == ["the decoder ended with exit code 3"])
            try writeWhole([1, 2, 3], to: folder + "/a.mp4")
            #expect(try failing.run([list], journal: try CheckJournal(folder + "/journal")).bad.map(\.id).contains("a"))
            // Rules are not part of what is kept.
            var strict = failing
            strict.rules.frames = 21
            let fourth = try strict.run([list], journal: try CheckJournal(folder + "/journal"))
            #expect(fourth.bad.allSatisfy { $0.stage == .length || $0.stage == .crash })
        }
    }

    @Test func listsWithoutTheBadOnesKeepEverythingElse() throws {
        try withTemporaryFolder { folder in
            let text = "org_video,label,note\r\n\"a\nb.mp4\",0,x\r\n\r\nc.mp4,1,\"y,z\"\r\n"
            try writeWhole(text, to: folder + "/list.csv")
            let list = try ClipList(path: folder + "/list.csv")
            #expect(list.entries.map(\.line) == [2, 5])
            #expect(try list.text(without: [2]) == "org_video,label,note\nc.mp4,1,\"y,z\"\n")
            #expect(try list.text(without: [5]).hasSuffix("\"a\nb.mp4\",0,x\n"))
            // Unicode's other ends of lines are none of a list's.
            try writeWhole("a\u{2028}b.mp4 0\nbad.mp4 1\nc\u{85}.mp4 0\n", to: folder + "/others")
            let others = try ClipList(path: folder + "/others")
            #expect(try others.text(without: [2]) == "a\u{2028}b.mp4 0\nc\u{85}.mp4 0\n")
        }
    }

    @Test func pathsTravelOnOneLine() {
        for path in ["plain.mp4", "a\nb\\n\tc\r.mp4", "\\", "\r\n"] {
            #expect(!path.oneLine.contains { $0.isNewline || $0 == "\t" })
            #expect(String(oneLine: path.oneLine) == path)
        }
    }

    @Test func aFileThatEndsBeforeItsContainerSays() {
        var facts = VideoFacts(
            byteCount: 9, frameCount: 100, width: 64, height: 48, frameRate: 25, claimedSeconds: 10, codec: "vp9")
        #expect(CheckRules().problem(with: facts)?.stage == .length)
        facts.claimedSeconds = 4.2
        #expect(CheckRules().problem(with: facts) == nil)
        facts.frameRate = 0
        facts.claimedSeconds = 10
        #expect(CheckRules().problem(with: facts) == nil)
    }

    @Test(.enabled(if: sharedClips != nil, "needs ../shared/clips beside the tree, which is missing here"))
    func realClips() throws {
        let clips: [(String, CheckStage?)] = [
            ("arm_wrestling.mp4", nil), ("flipping_pancake.mkv", nil), ("rotated_90.mov", .length),
            ("corrupted.mp4", .decode),
        ]
        for (name, stage) in clips {
            let found = Examined(path: (sharedClips ?? "") + "/" + name)
            switch found {
            case .sound(let facts): #expect(CheckRules().problem(with: facts)?.stage == stage, "\(name): \(found)")
            case .bad(let told, _): #expect(told == stage, "\(name): \(found)")
            }
        }
    }
}
