import Clips
import Faults
import Testing

@Suite struct CSVReaderTests {
    private func records(_ text: String) throws -> [CSVReader.Record] {
        var reader = CSVReader(Array(text.utf8), name: "t.csv")
        var records: [CSVReader.Record] = []
        while let record = try reader.next() { records.append(record) }
        return records
    }

    @Test func fieldsAsInRFC4180() throws {
        let found = try records("\u{FEFF}a,\"b, \"\"c\"\"\",\r\n\r\n\"two\r\nlines\", x \rlast\n,\n")
        #expect(
            found == [
                .init(line: 1, fields: ["a", "b, \"c\"", ""]), .init(line: 3, fields: ["two\r\nlines", " x "]),
                .init(line: 5, fields: ["last"]), .init(line: 6, fields: ["", ""]),
            ])
        #expect(try records("5'9\" tall,b\"c") == [.init(line: 1, fields: ["5'9\" tall", "b\"c"])])
        #expect(try records(" \n\t\r\n").isEmpty)
    }

    @Test(arguments: [("a\nb,\"c\nd\n", "t.csv:2"), ("\"a\nb\"c,d", "t.csv:1"), ("a\n\nb\u{0},c", "t.csv:3")])
    func whatMakesNoSenseNamesItsLine(text: String, thing: String) {
        #expect(#expect(throws: Fault.self) { try records(text) }?.thing == thing)
    }

    @Test func bytesThatAreNoTextNameTheirLine() {
        var reader = CSVReader(Array("a\nb".utf8) + [0xFF], name: "t.csv")
        let fault = #expect(throws: Fault.self) { while try reader.next() != nil {} }
        #expect(fault?.thing == "t.csv:2")
    }
}
