import Compatibility
import Testing

@Suite struct LiteralTests {
    @Test(arguments: [
        ("8", Literal.integer(8)), (" -1 ", .integer(-1)), ("1_000", .integer(1000)), ("1e-4", .real(1e-4)),
        (".5", .real(0.5)), ("-2.", .real(-2)), ("True", .boolean(true)), ("None", Literal.none),
        ("'a b'", .string("a b")), ("\"it's\"", .string("it's")), ("'a\\'b'", .string("a'b")), ("[]", .list([])),
        ("[[3], [4, 5],]", .list([.list([.integer(3)]), .list([.integer(4), .integer(5)])])),
        ("(0.9, 0.999)", .list([.real(0.9), .real(0.999)])), ("(1)", .integer(1)), ("(1,)", .list([.integer(1)])),
        ("()", .list([])),
    ])
    func pythonIsReadAsPythonReadsIt(text: String, value: Literal) { #expect(Literal(python: text) == value) }

    @Test(arguments: [
        "", "caffe2", "~/videos", "[1, 2", "1, 2", "[1 2]", "[,]", "'open", "010", "--1", "1e", "0x10", "true", "nan",
        "99999999999999999999", "'a' 'b'", "{1: 2}", "٣",
    ])
    func whatIsNoLiteralIsNone(text: String) { #expect(Literal(python: text) == nil) }

    @Test func depthIsBounded() {
        #expect(Literal(python: String(repeating: "[", count: 31) + String(repeating: "]", count: 31)) != nil)
        #expect(Literal(python: String(repeating: "[", count: 100_000)) == nil)
    }

    @Test(arguments: ["8", "-1", "0.25", "True", "None", "'a b'", "[[3], [4, 5.5], []]"])
    func whatIsWrittenIsReadAgain(text: String) throws {
        let value = try #require(Literal(python: text))
        #expect(Literal(python: value.description) == value)
    }
}
