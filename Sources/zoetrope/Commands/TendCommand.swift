import ArgumentParser
import Faults
import Foundation
import Launch

/// `zoetrope tend`: what `zoetrope launch` starts on each host.
struct Tend: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a process as standard input says, and end it when standard input ends.", shouldDisplay: false)

    func run() throws {
        var tender = try Tender(program: ownPath)
        let code = try tender.run()
        Foundation.exit(code)
    }
}

/// The file of this program, wherever it was found.
var ownPath: String { URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path }
