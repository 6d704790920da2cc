import Foundation

/// What `--threads` asks for: 0 is one for each core that the process may use.
func computeThreads(_ asked: Int) -> Int { asked == 0 ? ProcessInfo.processInfo.activeProcessorCount : asked }
