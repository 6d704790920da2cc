import Clips
import Faults
import Protocol
import Storage
import Synchronization
import Threads
import Wire

/// The threads of a packing that is shared, on which videos are found out about here.
final class Hands {
    let results: Mailbox<(hand: Int, video: Int, Result<String, Fault>)>
    private let work: PackWork
    private let threads: [TaskThread]
    private var free: [Int]

    init(count: Int, _ work: PackWork) throws(Fault) {
        results = try Mailbox()
        self.work = work
        threads = (0..<count).map { TaskThread(name: "packing \($0)") }
        free = Array((0..<count).reversed())
    }

    var isAnyFree: Bool { !free.isEmpty }

    func take(_ video: Int) {
        guard let hand = free.popLast() else { return }
        threads[hand].post { [results, work] in results.post((hand, video, work.find(video))) }
    }

    func drain() -> [(video: Int, Result<String, Fault>)] {
        results.drain().map { hand, video, result in
            free.append(hand)
            return (video, result)
        }
    }

    /// Those that are at a video end when they have done with it; nobody waits for that.
    func end() {
        for hand in free { threads[hand].finish() }
        for thread in threads { thread.close() }
    }
}

/// The files of a packing that is shared, for those who have to pull them: hashed and read on threads of their own.
final class PackSources {
    /// What is known of a file now; nil for one that cannot be had, or has nothing in it.
    let files: Mailbox<(video: Int, CachedFile?)>
    let replies: Mailbox<(Peer, ContentReply)>
    let server: ContentServer
    /// By video.
    var known: [Int: CachedFile] = [:]

    private let videos: [PackWork.Video]
    private let hasher = TaskThread(name: "hashing videos")
    private let paths: PathTable
    private let isOver = Flag()

    init(_ videos: [PackWork.Video]) throws(Fault) {
        self.videos = videos
        let replies = try Mailbox<(Peer, ContentReply)>()
        let paths = PathTable()
        self.replies = replies
        self.paths = paths
        files = try Mailbox()
        server = ContentServer(
            path: { digest in Digest(bytes: digest).flatMap { paths[$0] } }, answer: { replies.post(($0, $1)) })
    }

    func look(at video: Int) {
        let (path, name) = (videos[video].path, videos[video].name)
        hasher.post { [files, paths, isOver] in
            if isOver.isSet { return }
            guard let size = try? fileSize(path), size > 0, let digest = try? fileDigest(path) else {
                return files.post((video, nil))
            }
            paths[digest] = path
            files.post((video, CachedFile(digest: digest, byteCount: size, name: name)))
        }
    }

    func end() {
        isOver.set()
        hasher.finish()
        server.finish()
    }
}

/// Where the file of a digest is.
private final class PathTable: Sendable {
    private let paths = Mutex<[Digest: String]>([:])

    subscript(digest: Digest) -> String? {
        get { paths.withLock { $0[digest] } }
        set { paths.withLock { $0[digest] = newValue } }
    }
}

/// Set once, seen by all threads.
private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
