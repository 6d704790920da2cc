import ArgumentParser
import Configuration
import Faults
import Foundation
import Protocol
import Worker

/// Where a worker keeps what it pulls from others.
struct ClipCacheOptions: ParsableArguments {
    @Option(
        help: "The folder of pulled clips; without it, worker.cache of the --config, or one in the user's cache folder."
    )
    var cache: String?
    @Option(help: "What it may hold: bytes, or 500GB (also TB, MB, kB); 0 takes nine tenths of what is free.")
    var cacheLimit: String?

    /// Where pulled clips go; the result is asked only when there are some.
    func clipCache(
        _ cluster: ClusterConfiguration
    ) throws(Fault) -> @Sendable () throws(Fault) -> ClipSupply.Cache {
        let limit = try cacheLimit.map { text throws(Fault) in try ByteCount(text, about: "--cache-limit").bytes }
        let bytes = limit ?? cluster.worker.cacheLimit
        let named = try cache.map { path throws(Fault) in try absolute(path) } ?? cluster.worker.cache
        let environment = ProcessInfo.processInfo.environment
        return { () throws(Fault) in
            guard named.isEmpty else { return ClipSupply.Cache(folder: named, limit: bytes) }
            let home = environment["HOME"].map { $0 + "/.cache" }
            let base = [environment["XDG_CACHE_HOME"], home].compactMap(\.self).first { $0.hasPrefix("/") }
            guard let base else {
                throw Fault(
                    .usage, "--cache",
                    "clips must be pulled, and neither XDG_CACHE_HOME nor HOME says where to keep them",
                    mend: "name a folder with --cache or worker.cache, or the data set with --data")
            }
            return ClipSupply.Cache(folder: base + "/zoetrope/clips", limit: bytes)
        }
    }
}
