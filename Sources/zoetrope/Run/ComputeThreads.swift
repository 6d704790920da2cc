import Kernels

/// What `--threads` asks for: 0 is one for each core that the process may use all the time.
func computeThreads(_ asked: Int) -> Int { asked == 0 ? Cores.usable : asked }
