import Faults
import Glibc

/// A child process whose standard input, output and error are pipes that end here.
struct PipedChild {
    let child: Child
    /// This process's ends: what the child reads is written to `input`.
    let input: Int32
    let output: Int32
    let errors: Int32

    /// - Throws: `Fault.usage` when there is no such program, `Fault.internal` when the system has no room for another
    ///   process or its pipes; none stays open then.
    init(_ command: [String]) throws(Fault) {
        var pipes: [Pipe] = []
        do throws(Fault) {
            for _ in 0..<3 { pipes.append(try Pipe()) }
            child = try Child(command, input: pipes[0].reading, output: pipes[1].writing, errors: pipes[2].writing)
        } catch {
            for pipe in pipes { pipe.close() }
            throw error
        }
        for descriptor in [pipes[0].reading, pipes[1].writing, pipes[2].writing] { close(descriptor) }
        (input, output, errors) = (pipes[0].writing, pipes[1].reading, pipes[2].reading)
    }
}
