import Clips
import Curation
import Dispatch
import Faults
import Foundation
import Protocol
import Storage
import Synchronization
import TestSupport
import Testing
import Video

/// Packings that are shared over real sockets with helpers that fail in every way: the set is the one of a packing alone.
@Suite("A packing that is shared", .timeLimit(.minutes(2))) struct SharedPackTests {
    /// Twelve videos: ten sound ones, one cut in the middle, one that is none.
    private struct Videos {
        let folder: String
        let list: ClipList
        let paths: [Digest: String]

        init(_ folder: String) throws {
            self.folder = folder
            var paths: [Digest: String] = [:]
            for i in 0..<12 {
                var bytes = try smallVideo(frames: 12 + i, seed: UInt64(i))
                if i == 3 { bytes = Array(try #require(indexFirst(bytes)).prefix(bytes.count * 2 / 3)) }
                if i == 7 { bytes = Array("<html>".utf8) }
                try writeWhole(bytes, to: "\(folder)/\(i).mp4")
                paths[Digest(of: bytes)] = "\(folder)/\(i).mp4"
            }
            self.paths = paths
            try writeWhole((0..<12).map { "\($0).mp4 \($0 % 2)\n" }.joined(), to: folder + "/list")
            list = try ClipList(path: folder + "/list")
        }

        /// What a helper finds out about a video that it need not pull.
        func find(_ task: PackTask) -> Result<String, Fault> {
            guard let path = paths[task.source.digest] else {
                return .failure(Fault(.data, task.source.name, "is not here"))
            }
            return .success(examineForPacking(path))
        }
    }

    private final class Notes: Sendable {
        private let all = Mutex<[PackCoordinator.Note]>([])
        private let reaction = Mutex<@Sendable (PackCoordinator.Note) -> Void>({ _ in })
        func add(_ note: PackCoordinator.Note) {
            all.withLock { $0.append(note) }
            reaction.withLock(\.self)(note)
        }
        func react(_ body: @escaping @Sendable (PackCoordinator.Note) -> Void) { reaction.withLock { $0 = body } }
        func count(_ isWanted: (PackCoordinator.Note) -> Bool) -> Int { all.withLock { $0.count(where: isWanted) } }
        var helped: Int { count { if case .helped = $0 { true } else { false } } }
        func failed(_ words: String) -> Bool {
            count { if case .failed(_, let reason) = $0 { reason.contains(words) } else { false } } > 0
        }
        func refused(_ words: String) -> Bool {
            count { if case .refused(let fault) = $0 { fault.reason.contains(words) } else { false } } > 0
        }
    }

    private static let assignment = PackAssignment(
        profile: "keep", shortSide: 0, description: "", seconds: 60, trial: "t")

    private func helper(
        _ name: String, _ endpoint: String, _ folder: String, capacity: Int = 3, libraries: String = "l",
        trial: String = "t", find: @escaping @Sendable (PackTask) -> Result<String, Fault>
    ) -> Ended {
        let ended = Ended()
        join(
            name, endpoint, folder, capacity: capacity, libraries: libraries, trial: trial, ended: ended, find: find)
        return ended
    }

    private func join(
        _ name: String, _ endpoint: String, _ folder: String, capacity: Int = 3, libraries: String = "l",
        trial: String = "t", ended: Ended, find: @escaping @Sendable (PackTask) -> Result<String, Fault>
    ) {
        // Not every test waits for all its helpers.
        Thread.detachNewThread {
            do {
                let worker = try PackWorker(
                    join: endpoint, as: PackHelper(name: name, libraries: libraries, capacity: capacity),
                    scratch: folder + "/scratch", security: .loopback)
                try worker.run { _ in PackTools(trial: trial, find: find, cancel: {}) }
                ended.set(nil)
            } catch { ended.set(error as? Fault) }
        }
    }

    private final class Ended: Sendable {
        private let done = DispatchSemaphore(value: 0)
        private let fault = Mutex<Fault?>(nil)
        func set(_ fault: Fault?) {
            self.fault.withLock { $0 = fault }
            done.signal()
        }
        /// Why it ended; nil when the packing was done.
        func wait() -> Fault? {
            done.wait()
            return fault.withLock(\.self)
        }
    }

    /// Packs alone and shared, and expects the same files and the same report.
    private func shared(
        hands: Int, examine: (@Sendable (String) throws(Fault) -> String)? = nil,
        _ join: (_ videos: Videos, _ endpoint: String, _ folder: String, _ notes: Notes) throws -> [Ended]
    ) throws -> (notes: Notes, ended: [Fault?]) {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            var options = PackOptions()
            options.shardBytes = 25_000
            let alone = try pack(videos.list, split: "train", into: folder + "/alone", options: options)
            let coordinator = try PackCoordinator(
                PackCoordinator.Terms(assignment: Self.assignment, libraries: "l", hands: hands),
                listen: "tcp://127.0.0.1:0", security: .loopback)
            let endpoint = coordinator.endpoint
            let notes = Notes()
            let ended = try join(videos, endpoint, folder, notes)
            let sharing = Confined(coordinator)
            options.examine = examine
            options.sharing = { work throws(Fault) in
                try sharing.value.run(work) { notes.add($0) }
            }
            let report = try pack(videos.list, split: "train", into: folder + "/set", options: options)
            #expect(report == alone)
            #expect(report.refused.map(\.name) == ["7.mp4"] && report.damaged.map(\.name) == ["3.mp4"])
            #expect(report.shards > 2)
            let files = ["dataset.toml", "train/manifest"] + (0..<report.shards).map { "train/shard-0000\($0).mdb" }
            for file in files {
                #expect(
                    try readWhole(folder + "/set/" + file) == readWhole(folder + "/alone/" + file), "\(file)")
            }
            #expect(try directoryNames(folder + "/set").sorted() == [".pack.lock", "dataset.toml", "train"])
            return (notes, ended.map { $0.wait() })
        }
    }

    /// Finds out about videos here, once something has happened.
    private func examining(after event: DispatchSemaphore) -> @Sendable (String) throws(Fault) -> String {
        { path throws(Fault) in
            event.wait()
            event.signal()
            return examineForPacking(path)
        }
    }

    @Test func helpersDoEverythingThatGoesIn() throws {
        // Else one might be through before the other is there.
        let bothAreThere = DispatchSemaphore(value: 0)
        let (notes, ended) = try shared(hands: 0) { videos, endpoint, folder, notes in
            notes.react { _ in
                if notes.count({ if case .joined = $0 { true } else { false } }) == 2 { bothAreThere.signal() }
            }
            return ["a", "b"].map {
                helper($0, endpoint, folder) {
                    bothAreThere.wait()
                    bothAreThere.signal()
                    return videos.find($0)
                }
            }
        }
        #expect(notes.helped == 11 && ended == [nil, nil])
        #expect(notes.count { if case .different = $0 { true } else { false } } == 0)
    }

    /// What it says is whole, and of another video. Nobody here is in its place, so it must be found out.
    @Test func aFindingOfAnotherVideoTakesNothingIntoTheSet() throws {
        let honest = Ended()
        let (notes, ended) = try shared(hands: 0) { videos, endpoint, folder, notes in
            notes.react {
                guard case .failed("liar", _) = $0 else { return }
                join("honest", endpoint, folder, ended: honest) { videos.find($0) }
            }
            let liar = helper("liar", endpoint, folder, capacity: 1) { task in
                let isFirst = videos.paths[task.source.digest]?.hasSuffix("/0.mp4") == true
                return .success(examineForPacking(videos.folder + (isFirst ? "/1.mp4" : "/0.mp4")))
            }
            return [liar, honest]
        }
        #expect(notes.failed("is not of this video") && notes.helped == 11)
        #expect(ended[0]?.code == .usage && ended[1] == nil)
    }

    /// Another one comes when it is gone, for what may be left.
    @Test func aHelperWhoseDiskIsBrokenIsSentAway() throws {
        let (notes, ended) = try shared(hands: 0) { videos, endpoint, folder, notes in
            notes.react {
                guard case .failed("broken", _) = $0 else { return }
                join("sound", endpoint, folder, ended: Ended()) { videos.find($0) }
            }
            let broken = helper("broken", endpoint, folder) {
                .failure(Fault(.data, $0.source.name, "cannot be read"))
            }
            return [broken]
        }
        #expect(notes.helped <= 3 && notes.failed("could not do 8 videos"))
        #expect(ended[0]?.code == .usage)
        #expect(notes.count { if case .overcame = $0 { true } else { false } } >= 8)
    }

    /// It is alive as far as its connection says.
    @Test func aHelperThatHangsKeepsNobodyWaiting() throws {
        let never = DispatchSemaphore(value: 0)
        defer { for _ in 0..<20 { never.signal() } }
        let isHung = DispatchSemaphore(value: 0)
        // The first that is done here waits until somebody hangs.
        let (notes, _) = try shared(hands: 1, examine: examining(after: isHung)) { videos, endpoint, folder, _ in
            let hangs = helper("hangs", endpoint, folder, capacity: 2) {
                isHung.signal()
                never.wait()
                return videos.find($0)
            }
            return [hangs]
        }
        #expect(notes.helped == 0)
        #expect(notes.count { if case .joined = $0 { true } else { false } } == 1)
    }

    @Test(arguments: [("libavcodec 1.2.3", "t", "libavcodec 1.2.3"), ("l", "00ff", "trial video as 00ff")])
    func whoeverWouldWriteOtherBytesIsRefused(libraries: String, trial: String, words: String) throws {
        let isRefused = DispatchSemaphore(value: 0)
        let (notes, ended) = try shared(hands: 1, examine: examining(after: isRefused)) {
            videos, endpoint, folder, notes in
            notes.react { _ in
                if notes.failed(words) || notes.refused(words) || notes.helped > 0 { isRefused.signal() }
            }
            return [helper("other", endpoint, folder, libraries: libraries, trial: trial) { videos.find($0) }]
        }
        let fault = try #require(ended[0])
        #expect(fault.code == .usage && fault.reason.contains(words) && fault.reason.contains("install the same"))
        #expect(fault.reason.contains(libraries == "l" ? "the packing as t" : "the packing l"), "\(fault)")
        #expect(notes.helped == 0)
    }

    @Test func aPackingThatIsStoppedTellsItsHelpersAndGoesOn() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            var options = PackOptions()
            let alone = try pack(videos.list, split: "train", into: folder + "/alone", options: options)
            var terms = PackCoordinator.Terms(assignment: Self.assignment, libraries: "l", hands: 0)
            let stop = Stop()
            terms.isStopped = { stop.isSet }
            let coordinator = Confined(
                try PackCoordinator(terms, listen: "tcp://127.0.0.1:0", security: .loopback))
            let ended = helper("a", coordinator.value.endpoint, folder, capacity: 1) { videos.find($0) }
            options.sharing = { work throws(Fault) in
                try coordinator.value.run(work) { if case .helped = $0 { stop.set() } }
            }
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: folder + "/set", options: options)
            }
            #expect(fault?.code == .stoppedEarly)
            let told = ended.wait()
            #expect(told?.code == .stoppedEarly && told?.reason.contains("was stopped") == true, "\(told as Any)")
            options.sharing = nil
            let report = try pack(videos.list, split: "train", into: folder + "/set", options: options)
            #expect(report.resumed >= 1 && report.digest == alone.digest)
            #expect(
                try readWhole(folder + "/set/train/manifest") == readWhole(folder + "/alone/train/manifest"))
        }
    }

    /// An interrupt from a terminal reaches the children that decode, too.
    @Test func aStopThatEndsTheLastVideosChildLeavesNothingOut() throws {
        try withTemporaryFolder { folder in
            let videos = try Videos(folder)
            let stop = Stop()
            var terms = PackCoordinator.Terms(assignment: Self.assignment, libraries: "l", hands: 1)
            terms.isStopped = { stop.isSet }
            let coordinator = Confined(
                try PackCoordinator(terms, listen: "tcp://127.0.0.1:0", security: .loopback))
            var options = PackOptions()
            options.examine = { path throws(Fault) in
                guard path.hasSuffix("/9.mp4") else { return examineForPacking(path) }
                stop.set()
                throw Fault(.data, path, "the decoder ended with signal 2")
            }
            options.sharing = { work throws(Fault) in try coordinator.value.run(work) { _ in } }
            let fault = #expect(throws: Fault.self) {
                try pack(videos.list, split: "train", into: folder + "/set", options: options)
            }
            #expect(fault?.code == .stoppedEarly)
            #expect(!pathExists(folder + "/set/train"))
        }
    }

    private final class Stop: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }
}
