import Compatibility
import Faults
import Foundation
import TestSupport
import Testing

/// The tables in the documentation are those of the program, and no table forgets anything.
@Suite struct TablesTests {
    private func table(in page: String, _ name: String) throws -> String {
        let text = try String(contentsOfFile: "\(sourceTree)/docs/\(page)", encoding: .utf8)
        let begin = try #require(text.range(of: "<!-- \(name): begin -->\n"), "\(page)")
        let end = try #require(text.range(of: "<!-- \(name): end -->"), "\(page)")
        return String(text[begin.upperBound..<end.lowerBound])
    }

    @Test func theKeysOfPySlowFastAreInTheDocumentation() throws {
        #expect(try table(in: "from-slowfast.md", "keys") == SlowFastKey.markdown)
    }

    @Test func theFlagsOfVMZAreInTheDocumentation() throws {
        #expect(try table(in: "from-vmz.md", "flags") == VMZFlag.markdown)
    }

    @Test func everyKeyHasOneRowAndAValueOfItsOwnKind() {
        let names = SlowFastKey.all.map(\.name)
        #expect(Set(names).count == names.count)
        // slowfast/config/defaults.py at 287ec00 has as many.
        #expect(names.count == 339, "\(names.count)")
        for tool in VMZTool.allCases {
            let flags = VMZFlag.all(of: tool).map(\.name)
            #expect(Set(flags).count == flags.count, "\(tool)")
        }
    }

    @Test func everyReasonIsSaid() {
        let treatments =
            SlowFastKey.all.map { ($0.name, $0.treatment) }
            + VMZTool.allCases.flatMap { VMZFlag.all(of: $0).map { ($0.name, $0.treatment) } }
        for (name, treatment) in treatments {
            switch treatment {
            case .honoured(let text), .immaterial(let text), .limited(_, let text, _):
                #expect(text.count > 5 && !text.hasSuffix("."), "\(name): '\(text)'")
            }
        }
    }
}
