import Acquisition
import Faults
import Testing

@Suite("What is published") struct PublishedTests {
    private func list(_ text: String, base: String = PublishedSet.base) throws -> ArchiveList {
        try ArchiveList(Array(text.utf8), path: "train.txt", base: base)
    }

    @Test func listsOfEveryDialect() throws {
        let text =
            "\u{FEFF}https://s3.amazonaws.com/kinetics/400/train/part_7.tar.gz\r\n\n"
            + "http://kinetics.s3.amazonaws.com/400/train/part_12.tar.gz  "
        let entries = try list(text).entries
        #expect(entries.map(\.name) == ["part_7.tar.gz", "part_12.tar.gz"])
        #expect(entries.map(\.part) == [7, 12])
        #expect(entries[1].address.text == "https://s3.amazonaws.com/kinetics/400/train/part_12.tar.gz")
    }

    @Test func namesWithSpacesAndParentheses() throws {
        let address = "https://s3.amazonaws.com/kinetics/600/train/"
        let entries = try list(address + "mountain climber (exercise).tar.gz\n" + address + "air%20drumming.tar.gz")
            .entries
        #expect(entries.map(\.name) == ["mountain climber (exercise).tar.gz", "air drumming.tar.gz"])
        #expect(entries[0].address.text == address + "mountain%20climber%20(exercise).tar.gz")
        #expect(entries[1].address.text == address + "air%20drumming.tar.gz")
        // Names without numbers count by their place.
        #expect(entries.map(\.part) == [0, 1])
    }

    @Test func aMirrorStandsInForTheBase() throws {
        let entries = try list(
            "https://s3.amazonaws.com/kinetics/400/val/part_0.tar.gz\nhttp://127.0.0.1:9/k/400/val/part_1.tar.gz",
            base: "http://127.0.0.1:9/k"
        ).entries
        #expect(entries.map(\.address.text) == (0...1).map { "http://127.0.0.1:9/k/400/val/part_\($0).tar.gz" })
    }

    @Test(arguments: [
        ("https://elsewhere.example/part_0.tar.gz", "train.txt:1"), ("file:///etc/passwd", "train.txt:1"),
        ("\n<html><body>", "web page"), ("", "names no archive"),
        ("https://s3.amazonaws.com/kinetics/400/..%2Fx.tar.gz", "no name that a file may have"),
        ("https://s3.amazonaws.com/kinetics/400/.tar.gz", "no name that a file may have"),
        ("https://s3.amazonaws.com/kinetics/400/part_0.sh", "is no archive"),
        (
            "https://s3.amazonaws.com/kinetics/a/p.tar.gz\nhttps://s3.amazonaws.com/kinetics/b/p.tar.gz",
            "train.txt:2: names 'p.tar.gz', which line 1 names already"
        ),
    ])
    func badLists(text: String, words: String) {
        let fault = #expect(throws: Fault.self) { try list(text) }
        #expect(fault?.description.contains(words) == true, "\(fault?.description ?? "")")
    }

    @Test func parts() throws {
        let parts = try PartSelection("0-2, 7")
        #expect((0..<10).filter(parts.contains) == [0, 1, 2, 7])
        #expect(PartSelection.all.contains(240))
        for text in ["", "a", "3-1", "1-2-3", "-1", "1,"] {
            #expect(throws: Fault.self, "'\(text)'") { try PartSelection(text) }
        }
    }

    @Test func setsAndSplits() throws {
        let set = try PublishedSet.named("kinetics-400")
        #expect(set.lists.map(\.file.address)[0] == "400/train/k400_train_path.txt")
        #expect(set.replacements.map(\.path) == ["archives/replacement/replacement_for_corrupted_k400.tgz"])
        #expect(try set.checked(splits: ["val", "train"]) == ["train", "val"])
        let fault = #expect(throws: Fault.self) { try PublishedSet.named("kinetics-40") }
        #expect(fault?.mend == "did you mean 'kinetics-400'?")
        #expect(throws: Fault.self) { try set.checked(splits: ["training"]) }
    }
}
