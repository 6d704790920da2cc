import ArgumentParser
import Kernels
import Protocol

/// Refuses what `--threads` cannot be.
func checkThreads(_ asked: Int) throws {
    let range = ClusterConfiguration.threads
    guard range.contains(asked) else {
        throw ValidationError("--threads \(asked): choose \(range.lowerBound) to \(range.upperBound)")
    }
}

/// What `--threads` asks for: 0 is one for each core that the process may use all the time.
func computeThreads(_ asked: Int) -> Int { asked == 0 ? Cores.usable : asked }

/// Compute threads of each of some workers of this machine: as many as asked for; 0 shares the cores among them.
func computeThreads(_ asked: Int, ofEachOf workers: Int) -> Int {
    asked == 0 ? max(1, Cores.usable / workers) : asked
}
