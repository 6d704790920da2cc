import Clips
import Curation
import Faults
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct VideoListsTests {
    private func index(_ paths: [String], empty: Set<String> = []) -> VideoIndex {
        VideoIndex(
            root: "/videos", files: paths.map { VideoIndex.File(path: $0, byteCount: empty.contains($0) ? 0 : 1000) })
    }

    private func file(_ text: String, _ name: String = "train.csv") throws -> AnnotationFile {
        try AnnotationFile(Array(text.utf8), name: name)
    }

    private func found(_ id: String, _ start: Int?, _ end: Int?, in index: VideoIndex, split: Split = .train) -> String?
    {
        let annotation = Annotation(
            video: .clip(id: id, start: start, end: end), label: .name("air drumming"), split: split,
            place: Place(file: "t", line: 1))
        guard case .found(let file, _) = index.find(annotation) else { return nil }
        return file.path
    }

    @Test func clipsAreFoundByWhatTheirFilesAreCalled() {
        let videos = index([
            "a/-bcdefghijk_000001_000011.mp4", "a/-bcdefghijk_000031_000041.mp4", "b/plain678901.mkv",
            "c/unpadded901_1_11.webm", "d/ends_12_3456.mp4", "d/both5678901.mp4", "d/both5678901_000005_000015.mp4",
        ])
        #expect(found("-bcdefghijk", 31, 41, in: videos) == "a/-bcdefghijk_000031_000041.mp4")
        #expect(found("-bcdefghijk", 2, 12, in: videos) == nil)
        #expect(found("plain678901", 2, 12, in: videos) == "b/plain678901.mkv")
        #expect(found("unpadded901", 1, 11, in: videos) == "c/unpadded901_1_11.webm")
        #expect(found("ends_12_3456", 7, 17, in: videos) == "d/ends_12_3456.mp4")
        #expect(found("both5678901", 5, 15, in: videos) == "d/both5678901_000005_000015.mp4")
        #expect(found("nothere8901", nil, nil, in: videos) == nil)
    }

    @Test func replacementsGoFirstAndEmptyFilesLast() {
        let clip = "abcdefghijk_000001_000011.mp4"
        #expect(
            found("abcdefghijk", 1, 11, in: index(["train/" + clip, "replacement/x/" + clip])) == "replacement/x/"
                + clip)
        #expect(found("abcdefghijk", 1, 11, in: index(["train/" + clip, "val/" + clip]), split: .val) == "val/" + clip)
        #expect(
            found("abcdefghijk", 1, 11, in: index(["x/" + clip, "air_drumming/" + clip])) == "air_drumming/" + clip)
        let withEmpty = index(["replacement/" + clip, "train/" + clip], empty: ["replacement/" + clip])
        #expect(found("abcdefghijk", 1, 11, in: withEmpty) == "train/" + clip)
    }

    @Test func whatIsWrongIsNamedWithFileAndLine() throws {
        let videos = index(["a.mp4", "sub dir/b.mp4", "c.mp4", "empty.mp4"], empty: ["empty.mp4"])
        let list = try file(
            """
            org_video,label
            a.mp4,1
            a.mp4,1
            sub dir/b.mp4,0
            sub dir/../sub dir/b.mp4,2
            ../a.mp4,0
            /etc/passwd,0
            /videos/c.mp4,9
            gone.mp4,2
            empty.mp4,2

            """)
        let classes = try ClassList(names: ["x", "y", "z"], origin: "names")
        let lists = try VideoLists([list], classes: classes, in: videos)
        let want: [(Int, ListProblem.Kind)] = [
            (3, .duplicate), (5, .conflict), (6, .outside), (7, .outside), (8, .labelOutOfRange), (9, .missing),
            (10, .empty),
        ]
        #expect(lists.problems.map(\.place.line) == want.map(\.0))
        #expect(lists.problems.map(\.kind) == want.map(\.1))
        #expect(lists.problems.allSatisfy { $0.place.file == "train.csv" && !$0.reason.isEmpty })
        #expect(lists.errors.count == 4)
        #expect(lists.videos[.train]?.map(\.name) == ["a.mp4", "sub dir/b.mp4"])
        #expect(lists.coverage[.train] == Coverage(listed: [1, 1, 2], present: [1, 1, 0]))
        #expect(lists.coverage[.train]?.worst(3) == [2])
    }

    @Test func unknownClassesAreNamedWithTheNearest() throws {
        let list = try file("label,youtube_id,time_start,time_end\nair druming,abcdefghijk,1,11\n")
        let classes = try ClassList(names: ["abseiling", "air drumming"], origin: "classids.json")
        let lists = try VideoLists([list], classes: classes, in: index(["abcdefghijk_000001_000011.mp4"]))
        #expect(lists.problems.map(\.kind) == [.unknownClass])
        #expect(lists.problems.first?.place == Place(file: "train.csv", line: 2))
        #expect(lists.problems.first?.reason.contains("did you mean 'air drumming'?") == true)
    }

    @Test func labelsThatBeginAtOne() throws {
        let list = try file("a.mp4 1\nb.mp4 2\n")
        let classes = try ClassList(names: ["x", "y"], origin: "names")
        let videos = index(["a.mp4", "b.mp4"])
        #expect(
            try VideoLists([list], classes: classes, in: videos).problems.first?.reason.contains("--first-label 1")
                == true)
        let shifted = try VideoLists([list], classes: classes, in: videos, firstLabel: 1)
        #expect(shifted.problems.isEmpty)
        #expect(shifted.videos[.train]?.map(\.label) == [0, 1])
        let odd = try VideoLists([try file("a.mp4 \(Int.min)\n")], classes: classes, in: videos, firstLabel: 1)
        #expect(odd.problems.map(\.kind) == [.unknownClass])
    }

    @Test func aVideoOfTwoSplitsIsTold() throws {
        let videos = index(["a.mp4"])
        let lists = try VideoLists(
            [try file("a.mp4 0\n"), try file("a.mp4 0\n", "val.csv")], classes: nil, in: videos)
        #expect(lists.problems.map(\.kind) == [.twoSplits])
        #expect(lists.problems.first?.reason == "'a.mp4' is for val here and for train at train.csv:1")
        #expect(lists.videos[.val]?.count == 1)
    }

    @Test func annotationsThatDoNotSayWhatVideosAreFor() throws {
        let list = try file("a.mp4 0\n", "list.txt")
        #expect(try VideoLists([list], classes: nil, in: index(["a.mp4"])).problems.map(\.kind) == [.noSplit])
        #expect(try VideoLists([list], classes: nil, in: index(["a.mp4"]), split: .test).videos[.test]?.count == 1)
    }

    @Test func foldersOfClassesAndFoldersThatTellThem() throws {
        let videos = index(["train/air_drumming/a.mp4", "val/zumba/b.mkv", "c.mp4"])
        let lists = try VideoLists([AnnotationFile(foldersOf: videos)], classes: nil, in: videos)
        #expect(lists.classes.names == ["air_drumming", "zumba"])
        #expect(lists.videos[.train]?.map(\.label) == [0] && lists.videos[.val]?.map(\.label) == [1])
        #expect(lists.problems.map(\.kind) == [.noLabel])
        // DeepMind's list of the test split has no labels, and the CVDF's folders have.
        let test = try file(
            "youtube_id,time_start,time_end,split\nabcdefghijk,1,11,test\nlmnopqrstuv,1,11,test\n", "test.csv")
        let arranged = index(["test/zumba/abcdefghijk_000001_000011.mp4", "test/lmnopqrstuv_000001_000011.mp4"])
        let told = try VideoLists([test], classes: lists.classes, in: arranged)
        #expect(told.videos[.test]?.map(\.label) == [1])
        #expect(told.problems.map(\.kind) == [.noLabel])
    }

    @Test func splitFilesFindReencodedVideosInOtherFolders() throws {
        let list = try AnnotationFile(Array("brush.avi 1\n".utf8), name: "brush_hair_test_split1.txt")
        let lists = try VideoLists([list], classes: nil, in: index(["flat/brush.mp4"]))
        #expect(lists.videos[.train]?.map(\.name) == ["flat/brush.mp4"])
    }

    /// Every dialect out is read back by the reader of that dialect, and the whole is what went in.
    @Test(arguments: ListFormat.allCases) func whatIsWrittenIsReadBack(format: ListFormat) throws {
        try withTemporaryFolder { folder in
            try makeDirectories(folder + "/videos/air drumming")
            let names = ["air drumming/a, \"b\".mp4", "air drumming/c.mp4"]
            for name in names { try writeWhole([1], to: folder + "/videos/" + name) }
            let videos = try VideoIndex(scanning: folder + "/videos")
            let lists = try VideoLists(
                [AnnotationFile(foldersOf: videos)],
                classes: try ClassList(names: ["abseiling", "air drumming"], origin: "t"),
                in: videos, split: .train)
            var writer = ListWriter(format: format)
            if format == .slowfast {
                #expect(throws: Fault.self, "a separator in the path") {
                    try writer.write(lists, into: folder + "/out")
                }
                #expect(!pathExists(folder + "/out/train.csv"))
                writer.separator = "|"
            }
            #expect(try writer.write(lists, into: folder + "/out") == [folder + "/out/train.csv"])
            let again = try AnnotationFile(
                path: folder + "/out/train.csv", separator: format == .slowfast ? UInt8(ascii: "|") : nil)
            let back = try VideoLists(
                [again], classes: try ClassList(path: folder + "/out/classes.txt"), in: videos)
            #expect(back.problems.isEmpty)
            #expect(back.videos[.train]?.map(\.name) == names)
            #expect(back.videos[.train]?.map(\.label) == [1, 1])
            #expect(try text(of: folder + "/out/coverage.tsv").contains("train\tair drumming\t2\t2\n"))
            // And `data pack` reads it.
            if format != .slowfast {
                let packable = try ClipList(path: folder + "/out/train.csv")
                #expect(packable.entries.map(\.path) == names.map { folder + "/videos/" + $0 })
                #expect(packable.entries.map(\.label) == [1, 1])
            }
        }
    }

    @Test func aListOfAnEarlierRunDoesNotStayBesideNewOnes() throws {
        try withTemporaryFolder { folder in
            let out = folder + "/out"
            let (train, test) = (try file("a.mp4 0\n"), try file("b.mp4 0\n", "test.csv"))
            func write(_ files: [AnnotationFile]) throws -> [String] {
                let lists = try VideoLists(files, classes: nil, in: index(["a.mp4", "b.mp4"]))
                return try ListWriter(format: .ours).write(lists, into: out)
            }
            #expect(try write([train, test]) == [out + "/train.csv", out + "/test.csv"])
            let before = try text(of: out + "/coverage.tsv")
            let fault = #expect(throws: Fault.self) { try write([train]) }
            #expect(fault?.thing == out + "/test.csv" && fault?.code == .usage, "\(fault as Any)")
            #expect(try text(of: out + "/coverage.tsv") == before, "nothing was written")
            try removeTree(out + "/test.csv")
            #expect(try write([train]) == [out + "/train.csv"])
        }
    }

    @Test func foldersThatLeadBackToThemselvesAreLookedIntoOnce() throws {
        try withTemporaryFolder { folder in
            let videos = folder + "/videos"
            for below in ["a/deep", "b"] { try makeDirectories(videos + "/" + below) }
            for name in ["a/1.mp4", "a/deep/2.mp4", "b/3.mp4"] { try writeWhole([1], to: videos + "/" + name) }
            func link(_ name: String, to target: String) {
                #expect(symlink(target, videos + "/" + name) == 0)
            }
            link("a/deep/up", to: "..")
            link("a/deep/top", to: videos)
            link("itself", to: "itself")
            // Links to folders beside are no loops, until they lead back.
            link("a/to_b", to: "../b")
            link("b/to_a", to: "../a")
            let index = try VideoIndex(scanning: videos)
            let expected = [
                "a/1.mp4", "a/deep/2.mp4", "a/to_b/3.mp4", "b/3.mp4", "b/to_a/1.mp4", "b/to_a/deep/2.mp4",
            ]
            #expect(index.files.map(\.path) == expected)
            let skipped = [
                "a/deep/top", "a/deep/up", "a/to_b/to_a", "b/to_a/deep/top", "b/to_a/deep/up", "b/to_a/to_b",
            ]
            #expect(index.skipped.count == skipped.count)
            for (line, name) in zip(index.skipped, skipped) { #expect(line.hasPrefix("\(videos)/\(name) is a link")) }
            // A tree that is deeper than anybody means is told, not followed for ever.
            try makeDirectories(folder + "/far" + String(repeating: "/x", count: 20))
            #expect(
                try VideoIndex(scanning: folder + "/far").skipped.first?.contains("more than 16 folders deep") == true)
        }
    }

    @Test func scanningTakesVideosAndLeavesTheRest() throws {
        try withTemporaryFolder { folder in
            try makeDirectories(folder + "/x/y")
            for name in ["a.mp4", "x/b.MKV", "x/y/c.webm", "x/._b.mkv", "x/notes.txt", "d"] {
                try writeWhole([1, 2], to: folder + "/" + name)
            }
            let index = try VideoIndex(scanning: folder + "/")
            #expect(index.files.map(\.path) == ["a.mp4", "x/b.MKV", "x/y/c.webm"])
            #expect(index.files.map(\.byteCount) == [2, 2, 2])
            #expect(index.root == folder)
        }
    }
}
