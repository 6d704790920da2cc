import Coordinator
import Faults
import Glibc
import Protocol
import Reporting
import Storage

/// Keys that a launch has made because nobody had named any.
struct MadeKeys {
    private let folder: String
    /// The run's folder, where that is on this machine.
    private let run: String?
    private let isRunNew: Bool

    init(_ folder: String, run: String?) throws(Fault) {
        (self.folder, self.run) = (folder, run)
        isRunNew = run.map { !pathExists($0) } ?? false
        if let run { try makeDirectories(run) }
        try Keys.create(folder)
    }

    /// Takes them away again where the run has not begun: nobody needs them, and the next launch makes others. Whether one
    /// on another machine has begun is not known here: its keys stay, beside the list of hosts, for the next launch.
    func removeIfUnused() {
        guard let run, !RunDirectory.isBegun(run) else { return }
        Keys.remove(folder)
        if isRunNew { rmdir(run) }
        standardError("zoetrope: the run has not begun; the keys made for it are removed\n")
    }
}
