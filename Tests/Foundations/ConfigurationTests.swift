import Configuration
import Faults
import Testing

@Suite struct ConfigurationTests {
    let text = """
        seed = 7
        [batch]
        units = 4 # comment
        [input]
        edges = [128, 160.5]
        [[host]]
        name = "a"
        """

    @Test func valuesDefaultsAndOriginsAreResolved() throws {
        var document = try Document(toml: text, name: "r.toml")
        try document.set("batch.units=8")
        try document.set("model.name=r2plus1d-18")
        var reader = Reader(document)
        #expect(try reader.integer("seed", default: 0, in: 0...100) == 7)
        #expect(try reader.string("model.name") == "r2plus1d-18")
        #expect(try reader.integer("batch.units", in: 1...64) == 8)
        #expect(try reader.integer("batch.clips_per_unit", default: 2, in: 1...64) == 2)
        #expect(try reader.reals("input.edges", count: 1...4) == [128, 160.5])
        #expect(try reader.tables("host") { host throws(Fault) in try host.string("name") } == ["a"])
        let resolved = try reader.finish()
        #expect(
            resolved.filter { $0.key.hasPrefix("batch") }.map(\.origin) == ["command line", "default"])
        let again = try Document(toml: resolved.toml(header: "one\ntwo"), name: "again")
        for entry in resolved where entry.key != "host" { #expect(again.entries[entry.key]?.value == entry.value) }
    }

    @Test func unknownKeysAreNamedWithTheNearest() throws {
        var document = try Document(toml: text, name: "r.toml")
        try document.set("batch.unitz=8")
        var reader = Reader(document)
        for key in ["seed", "batch.units"] { _ = try reader.integer(key, in: 0...100) }
        _ = try reader.reals("input.edges", count: 1...4)
        _ = try reader.tables("host") { host throws(Fault) in try host.string("name") }
        let fault = #expect(throws: Fault.self) { try reader.finish() }
        #expect(fault?.description == "command line: batch.unitz: there is no such key; did you mean 'batch.units'?")
    }

    @Test func wrongKindsAndRangesAreFaults() throws {
        var reader = Reader(try Document(toml: text, name: "r.toml"))
        #expect(throws: Fault.self) { try reader.string("seed") }
        #expect(throws: Fault.self) { try reader.integer("seed", in: 0...6) }
        #expect(throws: Fault.self) { try reader.string("absent") }
        #expect(throws: Fault.self) { try reader.reals("input.edges", count: 3...3) }
        #expect(throws: Fault.self) { try reader.choice("host", of: ["x"]) }
    }

    @Test(arguments: ["a = ", "= 3", "a = 1\na = 2", "[a", "a = 2020-01-01"]) func brokenTextIsAFault(text: String) {
        #expect(throws: Fault.self) { try Document(toml: text, name: "broken") }
    }

    @Test func assignmentsWithoutAKeyAreFaults() throws {
        var document = Document(name: "x")
        #expect(throws: Fault.self) { try document.set("seed") }
        #expect(throws: Fault.self) { try document.set("=3") }
    }
}
