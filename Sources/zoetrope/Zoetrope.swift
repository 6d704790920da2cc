import ArgumentParser
import Faults
import Glibc
import Reporting

/// The root command. Each command parses, builds values and calls one function; faults become one line and an exit code.
@main
struct Zoetrope: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zoetrope",
        abstract: "Trains and tests video action-recognition networks on clusters of CPUs.",
        discussion: """
            Exit codes: 0 done, 64 bad usage or configuration, 65 bad data, 70 internal, wrong bits of a machine, or a newer \
            coordinator that has taken over, 75 stopped early, run again to continue.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Training",
                subcommands: [
                    Train.self, LaunchCluster.self, Coordinate.self, Work.self, Status.self, Drain.self, Stop.self,
                    Tend.self, ExamineHost.self,
                ]),
            CommandGroup(name: "Proving a run", subcommands: [Audit.self, Verify.self]),
            CommandGroup(
                name: "Testing",
                subcommands: [
                    TestCheckpoint.self, WorkOnTest.self, ScoresCommand.self, Predict.self, Features.self,
                ]),
            CommandGroup(name: "Data and models", subcommands: [DataCommand.self, ModelCommand.self]),
            CommandGroup(name: "In other programs' words", subcommands: [SlowFast.self, VMZ.self]),
            CommandGroup(name: "This machine", subcommands: [MakeKeys.self, Plan.self, Bench.self, Doctor.self]),
        ])

    static let version = "0.1.0"

    static func main() {
        // A peer that goes away must cost an error code of a write, never the process.
        signal(SIGPIPE, SIG_IGN)
        unblockSignals()
        do {
            var command = try parsed()
            try command.run()
        } catch let fault as Fault {
            standardError("zoetrope: \(fault)\n")
            Glibc.exit(fault.code.rawValue)
        } catch {
            exit(withError: error)
        }
    }

    /// Of a mistyped command ArgumentParser tells what is wrong behind it, and not which may have been meant.
    private static func parsed() throws -> any ParsableCommand {
        do { return try parseAsRoot() } catch {
            guard exitCode(for: error) != .success, let fault = mistyped(Array(CommandLine.arguments.dropFirst()))
            else {
                throw error
            }
            throw fault
        }
    }

    /// The first of `words` that stands where a command should, and is none.
    private static func mistyped(_ words: [String]) -> Fault? {
        var command: any ParsableCommand.Type = Zoetrope.self
        var path = _commandName
        for word in words {
            let known = command.configuration.subcommands
            guard !known.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            guard let next = known.first(where: { $0._commandName == word }) else {
                let names = known.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                return Fault(.usage, word, "is no command of \(path)", mend: advice(for: word, among: names))
            }
            command = next
            path += " \(word)"
        }
        return nil
    }
}

/// What every command that has a result offers.
struct ResultOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON, the last line on standard output.")
    var json = false

    /// Prints the human text, or the JSON line.
    func report(_ result: JSON, text: @autoclosure () -> String) {
        // On one terminal the result is the last that is said.
        flushStandardError()
        print(json ? result.text : text())
        fflush(nil)
    }
}
