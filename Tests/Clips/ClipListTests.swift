import Clips
import Faults
import Storage
import TestSupport
import Testing

@Suite struct ClipListTests {
    private func list(_ text: String) throws(Fault) -> ClipList {
        try ClipList(text: text, name: "list", folder: "/data")
    }

    @Test func pathsAndLabels() throws {
        let entries = try list("a.mp4 0\n\n/videos/two words.mp4\t12 \r\nc,d.mp4, 3\n").entries
        #expect(entries.map(\.name) == ["a.mp4", "/videos/two words.mp4", "c,d.mp4"])
        #expect(entries.map(\.path) == ["/data/a.mp4", "/videos/two words.mp4", "/data/c,d.mp4"])
        #expect(entries.map(\.label) == [0, 12, 3])
        #expect(entries.map(\.line) == [1, 3, 4])
    }

    @Test func columnsOfVMZInAnyOrder() throws {
        let entries = try list(
            "label,video_id,extra,start_frm,org_video\n1,77,x,30,a.mp4\n0,,\"x,y\",,\"b \"\"q\"\", c.mp4\"\n"
        ).entries
        #expect(entries.map(\.name) == ["a.mp4", "b \"q\", c.mp4"])
        #expect(entries.map(\.label) == [1, 0])
        #expect(entries.map(\.startFrame) == [30, nil])
        #expect(entries.map(\.videoID) == [77, nil])
    }

    @Test func listsWithAByteOrderMark() throws {
        for text in ["\u{FEFF}org_video,label\r\n\"a.mp4\",1\r\n", "\u{FEFF}a.mp4 1\r\n"] {
            let entries = try list(text).entries
            #expect(entries.map(\.name) == ["a.mp4"])
            #expect(entries.map(\.label) == [1])
        }
    }

    @Test(arguments: [
        ("", "list"), ("  \n\n", "list"), ("a.mp4\n", "list:1"), ("a.mp4 0\nb.mp4 x\n", "list:2"),
        ("a.mp4 -1\n", "list:1"), ("a.mp4 99999999999999999999\n", "list:1"), ("org_video,label\n", "list"),
        ("org_video,start_frm\na.mp4,0\n", "list"), ("org_video,label\na.mp4\n", "list:2"),
        ("org_video,label\n,0\n", "list:2"), ("org_video,label\n\"a.mp4,0\n", "list:2"),
        ("org_video,label,start_frm\na.mp4,0,-3\n", "list:2"), ("org_video,label\na.mp4,1.5\n", "list:2"),
    ])
    func badListsAreFaultsThatNameTheLine(text: String, thing: String) {
        let fault = #expect(throws: Fault.self) { try list(text) }
        #expect(fault?.thing == thing)
        #expect(fault?.code == .data)
    }

    @Test func aListThatIsMissingOrNoTextIsAFault() throws {
        #expect(throws: Fault.self) { try ClipList(path: "/nowhere/list.txt") }
        try withTemporaryFolder { folder in
            let path = folder + "/list.txt"
            try writeWhole([0x61, 0xFF, 0xFE], to: path)
            let fault = #expect(throws: Fault.self) { try ClipList(path: path) }
            #expect(fault?.reason.contains("UTF-8") == true)
        }
    }
}
