import Configuration
import Faults
import Foundation
import Testing

@Suite struct QuotedTextTests {
    /// Whatever a text holds, both read back what was written.
    @Test func jsonAndTOMLReadItBack() throws {
        var text = "Grüße, 世界 \u{1F600} \u{2028} \u{85}"
        for value in UInt8(0)..<128 { text.unicodeScalars.append(Unicode.Scalar(value)) }
        let json = try JSONSerialization.jsonObject(with: Data("[\(text.quoted)]".utf8)) as? [String]
        #expect(json?.first.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
        // TOMLKit hands texts over as C does: one ends at NUL.
        text.unicodeScalars.removeAll { $0.value == 0 }
        var reader = Reader(try Document(toml: "a = \(text.quoted)\n", name: "a.toml"))
        let toml = try reader.string("a")
        #expect(toml.quoted == text.quoted)
        #expect(text.quoted.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    }
}
