import Acquisition
import Clips
import Faults
import Foundation
import Kernels
import Launch
import Protocol
import Storage

extension HostFacts {
    /// What this machine is, has and sees.
    init(_ question: HostQuestion.Facts) {
        let installed = MachineFinding.installed().compactMap { finding in
            finding.mend.map { HostProblem(thing: finding.what, reason: finding.value, mend: $0) }
        }
        var problems = installed
        if InstructionSet.best == .baseline {
            problems.append(
                HostProblem(thing: "processor", reason: "has no AVX2", mend: MachineFinding.withoutAVX2))
        }
        let isThere = !question.data.isEmpty && pathExists(question.data)
        var manifests: [String: String]?
        do throws(Fault) {
            if isThere || question.needsData { manifests = try Self.manifests(question.data) }
        } catch { problems.append(HostProblem(error)) }
        do throws(Fault) { try Self.checkListening(question) } catch { problems.append(HostProblem(error)) }
        var freeDisk = 0
        do throws(Fault) {
            freeDisk = try freeBytesOnDisk(Self.existing(isThere ? question.data : Self.cache(question)))
        } catch {
            problems.append(HostProblem(error))
        }
        let processors = computeThreads(0)
        self.init(
            instructionSets: InstructionSet.ofF32.filter(\.isSupported).map(\.rawValue), processors: processors,
            gigaflops: measurePeak(instructionSet: .best, threads: processors),
            availableMemory: memoryToBeHad(), freeDisk: freeDisk, manifests: manifests, problems: problems)
    }

    /// SHA-256 of each split's manifest, read and not believed.
    private static func manifests(_ directory: String) throws(Fault) -> [String: String] {
        var manifests: [String: String] = [:]
        for (name, split) in try DataSetDescription(directory: directory).splits {
            let path = "\(directory)/\(name)/manifest"
            let digest = try fileDigest(path)
            guard digest == split.manifest else {
                throw Fault(
                    .data, path, "is not the one that \(DataSetDescription.fileName) tells of",
                    mend: "copy the data set anew, or pack it again")
            }
            manifests[name] = "\(digest)"
        }
        return manifests
    }

    /// Whether a worker's shard could listen as it would.
    private static func checkListening(_ question: HostQuestion.Facts) throws(Fault) {
        let host = question.listen.isEmpty ? try localAddress(towards: question.coordinator) : question.listen
        let open = try Security(keys: "", insecure: true, role: .worker)
        _ = try Listener(try Context(security: open), endpoint: "tcp://\(host):*")
    }

    private static func cache(_ question: HostQuestion.Facts) -> String {
        guard question.cache.isEmpty else { return question.cache }
        let environment = ProcessInfo.processInfo.environment
        return environment["XDG_CACHE_HOME"] ?? environment["HOME"] ?? "."
    }

    /// The folder, or the nearest above that is there.
    private static func existing(_ path: String) -> String {
        var path = path
        while !pathExists(path), let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            path = String(path[..<slash])
        }
        return pathExists(path) ? path : path.hasPrefix("/") ? "/" : "."
    }
}

/// Bytes of memory that this machine has, or as many as the control group may use.
func memoryOfMachine() -> Int {
    min(Int(clamping: ProcessInfo.processInfo.physicalMemory), ControlGroup.own.memoryBytes ?? .max)
}

/// Bytes that processes may still get without swapping, by meminfo of proc(5), and no more than the control group may use; all of
/// the memory where the system does not tell.
private func memoryToBeHad() -> Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
        if let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
            return min(kilobytes << 10, memoryOfMachine())
        }
    }
    return memoryOfMachine()
}
