import Kernels

/// What `--threads` asks for: 0 is one for each core that the process may use all the time.
func computeThreads(_ asked: Int) -> Int { asked == 0 ? Cores.usable : asked }

/// Compute threads of each of some workers of this machine: as many as asked for; 0 shares the cores among them.
func computeThreads(_ asked: Int, ofEachOf workers: Int) -> Int {
    asked == 0 ? max(1, Cores.usable / workers) : asked
}
