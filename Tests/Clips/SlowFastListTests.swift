import Clips
import Faults
import Storage
import TestSupport
import Testing

@Suite struct SlowFastListTests {
    private func list(
        _ text: String, separator: String = " ", prefix: String = "", classes: Int = 400
    ) throws(Fault) -> ClipList {
        try ClipList(slowFast: text, name: "l/test.csv", separator: separator, prefix: prefix, classes: classes)
    }

    @Test func aPathMayHoldTheSeparator() throws {
        let read = try list("/v/playing guitar/x.mp4 12\r\n\r\n/v/b.mp4  0  \n\u{9}/v/c.mp4 399")
        #expect(read.entries.map(\.path) == ["/v/playing guitar/x.mp4", "/v/b.mp4", "/v/c.mp4"])
        #expect(read.entries.map(\.label) == [12, 0, 399])
        #expect(read.entries.map(\.line) == [1, 3, 4])
        #expect(try list("\u{FEFF}/v/a, b.mp4,7", separator: ",").entries.map(\.path) == ["/v/a, b.mp4"])
    }

    @Test func aPrefixStandsBeforeRelativePathsOnly() throws {
        let read = try list("a.mp4 1\n/v/b.mp4 2", prefix: "/data")
        #expect(read.entries.map(\.path) == ["/data/a.mp4", "/v/b.mp4"])
        #expect(read.entries.map(\.name) == ["a.mp4", "/v/b.mp4"])
    }

    @Test func relativePathsAreBesideTheListWhereTheyAreNotHere() throws {
        try withTemporaryFolder { folder in
            try writeWhole("x", to: folder + "/a.mp4")
            try writeWhole("a.mp4 3\nmissing.mp4 4\n", to: folder + "/test.csv")
            let read = try ClipList(slowFast: folder + "/test.csv", separator: " ", prefix: "", classes: 5)
            #expect(read.entries.map(\.path) == [folder + "/a.mp4", "missing.mp4"])
            let fault = #expect(throws: Fault.self) {
                try ClipList(slowFast: folder + "/val.csv", separator: " ", prefix: "", classes: 5)
            }
            #expect(fault?.reason == "there is no such list")
        }
    }

    /// PySlowFast takes the first two for label 0 and the third for a path that ends at the blank.
    @Test(arguments: [
        ("/v/a.mp4,12", " ", "l/test.csv:1: '/v/a.mp4,12' has no ' ' between"),
        ("12", " ", "l/test.csv:1: '12' has no ' '"),
        (" 12", " ", "has no ' '"), ("/v/a.mp4 dancing", " ", "the label 'dancing' is not a whole number"),
        ("/v/a.mp4 -1", " ", "label -1 is out of range"),
        ("\n/v/a.mp4 400", " ", "l/test.csv:2: label 400 is out of range: MODEL.NUM_CLASSES is 400"),
        ("a 1\nb\nc\nd 2", " ", "l/test.csv:2: 'b' has no ' ' between a path and a label (and 1 lines more)"),
        (" \n", " ", "lists no video"),
    ])
    func linesThatMakeNoSenseAreNamed(text: String, separator: String, told: String) {
        let fault = #expect(throws: Fault.self) { try list(text, separator: separator) }
        #expect(fault?.description.contains(told) == true, "\(fault?.description ?? "")")
    }

    @Test func copiesAreTakenOnce() throws {
        let read = try list("/v/a.mp4 1\n/v/b.mp4 1\n/v/a.mp4 1\n/v/a.mp4 2\n").withoutCopies
        #expect(read.entries.map(\.line) == [1, 2, 4])
    }
}
