import Curation
import Faults
import Storage
import TestSupport
import Testing

/// Rows as `id start-end class split`, or `path class split`.
func summary(_ file: AnnotationFile) -> [String] {
    file.rows.map { row in
        let label =
            switch row.label {
            case .name(let name): name
            case .number(let number): "#\(number)"
            case .unknown: "?"
            }
        return "\(row.name) \(label) \(row.split?.rawValue ?? "?")"
    }
}

@Suite struct AnnotationTests {
    private func read(_ text: String, _ name: String = "list.csv", separator: UInt8? = nil) throws -> AnnotationFile {
        try AnnotationFile(Array(text.utf8), name: name, separator: separator)
    }

    @Test(arguments: [
        // CVDF and ActivityNet, K400: a header, quotes, is_cc.
        "label,youtube_id,time_start,time_end,split,is_cc\n\"air drumming\",-nQbRBEz2s,104,114,validate,0\n",
        "\u{FEFF}label-name,video-id,start-time,end-time,split,is_cc\r\nair drumming,-nQbRBEz2s,104,114,val,0\r\n",
        // Without a header; times with fractions; K600 without is_cc.
        "\"air drumming\",-nQbRBEz2s,104,114,val,0\n", "air drumming,-nQbRBEz2s,104.0,113.9,val\n",
        // Other orders of columns.
        "split,time_end,time_start,youtube_id,label\nval,114,104,-nQbRBEz2s,air drumming\n",
    ])
    func annotationsOfKinetics(text: String) throws {
        let file = try read(text)
        #expect(file.dialect == .annotations)
        #expect(summary(file) == ["-nQbRBEz2s_000104_000114 air drumming val"])
        #expect(file.problems.isEmpty)
    }

    @Test func annotationsWithoutLabelsOrSplits() throws {
        #expect(
            summary(try read("youtube_id,time_start,time_end,split\nabcdefghijk,1,11,test\n")) == [
                "abcdefghijk_000001_000011 ? test"
            ])
        #expect(summary(try read("abcdefghijk,1,11,test\n")) == ["abcdefghijk_000001_000011 ? test"])
        #expect(
            summary(try read("label,youtube_id\nzumba,abcdefghijk\n", "a/kinetics_train.csv")) == [
                "abcdefghijk zumba train"
            ])
        #expect(
            summary(try read("zumba,abcdefghijk,1,11\n", "k400-validate.csv")) == [
                "abcdefghijk_000001_000011 zumba val"
            ])
    }

    @Test func listsOfPaths() throws {
        let vmz = try read("label,org_video,start_frm,video_id\n3,\"a, b.mp4\",30,7\n")
        #expect(vmz.dialect == .columns)
        #expect(summary(vmz) == ["a, b.mp4 #3 ?"])
        #expect(vmz.rows[0].startFrame == 30 && vmz.rows[0].videoID == 7)
        let pairs = try read("a/playing guitar/x.mp4 12\r\nb.mp4,3\r\nc,d.mp4, 4\n\te.mp4\t5\n", "val.csv")
        #expect(pairs.dialect == .pairs)
        #expect(summary(pairs) == ["a/playing guitar/x.mp4 #12 val", "b.mp4 #3 val", "c,d.mp4 #4 val", "e.mp4 #5 val"])
        // What the seed's scripts leave between: class names behind a comma.
        #expect(summary(try read("/d/x_000061_000071.mp4,air drumming\n")) == ["/d/x_000061_000071.mp4 air drumming ?"])
        #expect(summary(try read("a b.mp4|2\n", separator: UInt8(ascii: "|"))) == ["a b.mp4 #2 ?"])
    }

    @Test func splitFiles() throws {
        let train = try read("ApplyLipstick/v_ApplyLipstick_g08_c01.avi 2\r\n", "trainlist02.txt")
        #expect(summary(train) == ["ApplyLipstick/v_ApplyLipstick_g08_c01.avi ApplyLipstick train"])
        let test = try read("ApplyLipstick/v_ApplyLipstick_g01_c01.avi\n", "x/testlist01.txt")
        #expect(test.dialect == .ucf101)
        #expect(summary(test) == ["ApplyLipstick/v_ApplyLipstick_g01_c01.avi ApplyLipstick test"])
        let hmdb = try read("a#1(2).avi 1 \nb.avi 2 \nc.avi 0 \n", "brush_hair_test_split1.txt")
        #expect(hmdb.dialect == .hmdb51)
        #expect(summary(hmdb) == ["brush_hair/a#1(2).avi brush_hair train", "brush_hair/b.avi brush_hair test"])
    }

    @Test func foldersOfSplitsOfAFold() throws {
        try withTemporaryFolder { folder in
            for name in ["trainlist01.txt", "trainlist02.txt", "testlist01.txt", "classInd.txt", "readme.txt"] {
                try writeWhole("x", to: folder + "/" + name)
            }
            let first = try SplitFolder(folder, fold: 1)
            #expect(first.files == [folder + "/testlist01.txt", folder + "/trainlist01.txt"])
            #expect(first.classes == folder + "/classInd.txt")
            #expect(throws: Fault.self) { try SplitFolder(folder, fold: 3) }
        }
    }

    @Test(arguments: [
        (
            "label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,1,11\n", 2, ListProblem.Kind.malformed,
            "4 fields"
        ),
        ("label,youtube_id,time_start,time_end,split\nzumba,#NAME?,1,11,val\n", 2, .malformed, "spreadsheet"),
        ("label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,x,11,val\n", 2, .malformed, "start 'x'"),
        ("label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,-1,11,val\n", 2, .malformed, "start '-1'"),
        ("label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,nan,11,val\n", 2, .malformed, "start 'nan'"),
        ("label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,1,1e30,val\n", 2, .malformed, "end '1e30'"),
        ("label,youtube_id,time_start,time_end,split\nzumba,abcdefghijk,1,11,vali\n", 2, .malformed, "'vali'"),
        ("label,youtube_id,time_start,time_end,split\n\nzumba,../../etc/passwd,1,11,val\n", 3, .outside, "passwd"),
        ("org_video,label\n,3\n", 2, .malformed, "names no video"), ("a.mp4 0\nb.mp4\n", 2, .malformed, "b.mp4"),
    ])
    func linesThatMakeNoSense(text: String, line: Int, kind: ListProblem.Kind, word: String) throws {
        let file = try read(text)
        let problem = try #require(file.problems.first)
        #expect(file.problems.count == 1)
        #expect(problem.place == Place(file: "list.csv", line: line))
        #expect(problem.kind == kind && problem.reason.contains(word), "\(problem)")
    }

    @Test func filesWithoutVideosAreFaults() {
        #expect(throws: Fault.self) { try read("") }
        #expect(throws: Fault.self) { try read("label,youtube_id,time_start,time_end,split\n") }
        #expect(throws: Fault.self) { try AnnotationFile([0x61, 0xFF, 0x0A], name: "x") }
    }
}
