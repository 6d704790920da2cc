import CIntrinsics
public import Faults
import Glibc
import Synchronization

/// Dedicated threads for the kernels; the caller is one of them.
///
/// Work is a number of tasks whose cut depends on shapes only. Each thread begins with a share of them, the same part of
/// every layer, whose tensors are in its own caches then, and goes on with what is left of the others' shares. So a task
/// must write memory of its own, and results do not depend on the number of threads. Denormals are flushed on every thread.
/// One `run` at a time; a pool belongs to the thread that calls it.
public final class ThreadPool: Sendable {
    /// The number of threads, the caller included.
    public let threads: Int
    private let shared: Shared
    private let handles: [pthread_t]
    /// The thread that was bound, and where it might run before.
    private let bound: (caller: pthread_t, before: [Int])?

    /// - Parameter threads: at least 1, the caller included.
    public convenience init(threads: Int) {
        // Only binding can fail.
        do throws(Fault) { try self.init(threads: threads, cores: nil) } catch { preconditionFailure("\(error)") }
    }

    /// - Parameters:
    ///   - threads: at least 1, the caller included.
    ///   - cores: a processor for each thread, to which it is bound until the pool ends; the caller's is the first. Nil:
    ///     the system moves threads as it likes.
    /// - Throws: a `Fault` when the system does not let a thread run there.
    public init(threads: Int, cores: [Int]?) throws(Fault) {
        precondition(threads >= 1, "a thread pool of \(threads) threads")
        precondition(cores.map { $0.count == threads } ?? true, "\(threads) threads on other than as many cores")
        self.threads = threads
        let before = Cores.available
        // A thread starts on the cores of the one that starts it: each is started from its own.
        func go(_ numbers: [Int]) throws(Fault) {
            do { try Cores.bind(numbers, "thread pool") } catch {
                try? Cores.bind(before, "thread pool")
                throw error
            }
        }
        for core in cores ?? [] { try go([core]) }
        let shared = Shared(helpers: threads - 1)
        self.shared = shared
        var handles: [pthread_t] = []
        for index in 1..<threads {
            if let cores { try go([cores[index]]) }
            handles.append(Self.start(index, of: threads, shared))
        }
        self.handles = handles
        if let cores { try go([cores[0]]) }
        bound = cores == nil ? nil : (pthread_self(), before)
    }

    private static func start(_ index: Int, of threads: Int, _ shared: Shared) -> pthread_t {
        var handle = pthread_t()
        let seat = Unmanaged.passRetained(Seat(shared: shared, index: index))
        let status = pthread_create(
            &handle, nil,
            { pointer in
                let seat = Unmanaged<Seat>.fromOpaque(pointer!).takeRetainedValue()
                zoetrope_flush_denormals()
                seat.shared.serve(thread: seat.index)
                return nil
            }, seat.toOpaque())
        guard status == 0 else {
            Fault.refusedThread("compute \(index + 1) of \(threads)", status).endProcess()
        }
        return handle
    }

    deinit {
        shared.stop()
        for handle in handles { pthread_join(handle, nil) }
        // Threads that the caller starts later, to decode, may run where they like again.
        if let bound, pthread_equal(bound.caller, pthread_self()) != 0 { try? Cores.bind(bound.before, "thread pool") }
    }

    /// Calls `body` once for each task index, on all threads, and returns when all have returned.
    /// - Parameter fromLast: a share is begun from its last task to its first: what the operation before wrote last, or the
    ///   next one reads first, is in the last cache then.
    public func run(_ tasks: Int, fromLast: Bool = false, _ body: (Int) -> Void) {
        runOnThreads(tasks, fromLast: fromLast) { task, _ in body(task) }
    }

    /// The same; `body` also gets the index of its thread in `0..<threads`, to find the scratch that is its own.
    public func runOnThreads(
        _ tasks: Int, fromLast: Bool = false, _ body: (_ task: Int, _ thread: Int) -> Void
    ) {
        zoetrope_flush_denormals()
        guard tasks > 0 else { return }
        guard threads > 1, tasks > 1 else {
            for task in 0..<tasks { body(fromLast ? tasks - 1 - task : task, 0) }
            return
        }
        withoutActuallyEscaping(body) { escaping in
            shared.run(tasks, fromLast: fromLast, escaping)
        }
    }
}

/// What a thread needs to begin.
private final class Seat: Sendable {
    let shared: Shared
    let index: Int
    init(shared: Shared, index: Int) {
        self.shared = shared
        self.index = index
    }
}

/// The job that the threads share.
///
/// Layers are short, so a thread that is out of work spins for some microseconds before it sleeps.
private final class Shared: @unchecked Sendable {  // what is no atomic is written only while every helper is idle
    private let helpers: Int
    private var body: ((Int, Int) -> Void)?
    private var tasks = 0
    private var fromLast = false
    /// How many of each thread's share are taken, each on cache lines of its own.
    private let taken: UnsafeMutablePointer<Atomic<Int>>
    private static let apart = 16
    private let generation = Atomic<Int>(0)
    private let working = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let begun: UnsafeMutablePointer<pthread_cond_t>
    private let ended: UnsafeMutablePointer<pthread_cond_t>
    private static let spins = 400

    init(helpers: Int) {
        self.helpers = helpers
        taken = .allocate(capacity: (helpers + 1) * Self.apart)
        for place in 0..<(helpers + 1) * Self.apart { (taken + place).initialize(to: Atomic(0)) }
        mutex = .allocate(capacity: 1)
        begun = .allocate(capacity: 1)
        ended = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(begun, nil)
        pthread_cond_init(ended, nil)
    }

    deinit {
        pthread_cond_destroy(begun)
        pthread_cond_destroy(ended)
        pthread_mutex_destroy(mutex)
        taken.deinitialize(count: (helpers + 1) * Self.apart)
        taken.deallocate()
        begun.deallocate()
        ended.deallocate()
        mutex.deallocate()
    }

    func run(_ count: Int, fromLast: Bool, _ job: @escaping (Int, Int) -> Void) {
        tasks = count
        self.fromLast = fromLast
        body = job
        for thread in 0...helpers { taken[thread * Self.apart].store(0, ordering: .relaxed) }
        working.store(helpers, ordering: .relaxed)
        pthread_mutex_lock(mutex)
        generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(begun)
        pthread_mutex_unlock(mutex)
        take(job, thread: 0)
        for _ in 0..<Self.spins where working.load(ordering: .acquiring) > 0 { zoetrope_pause() }
        if working.load(ordering: .acquiring) > 0 {
            pthread_mutex_lock(mutex)
            while working.load(ordering: .acquiring) > 0 { pthread_cond_wait(ended, mutex) }
            pthread_mutex_unlock(mutex)
        }
        body = nil
    }

    private func take(_ job: (Int, Int) -> Void, thread: Int) {
        let threads = helpers + 1
        for neighbour in 0..<threads {
            let owner = (thread + neighbour) % threads
            let share = owner * tasks / threads..<(owner + 1) * tasks / threads
            // Most that are looked at are empty: reading that disturbs nobody.
            while taken[owner * Self.apart].load(ordering: .relaxed) < share.count {
                let number = taken[owner * Self.apart].add(1, ordering: .relaxed).oldValue
                guard number < share.count else { break }
                job(fromLast ? share.upperBound - 1 - number : share.lowerBound + number, thread)
            }
        }
    }

    func serve(thread: Int) {
        var seen = 0
        while true {
            for _ in 0..<Self.spins where generation.load(ordering: .acquiring) == seen { zoetrope_pause() }
            if generation.load(ordering: .acquiring) == seen {
                pthread_mutex_lock(mutex)
                while generation.load(ordering: .acquiring) == seen { pthread_cond_wait(begun, mutex) }
                pthread_mutex_unlock(mutex)
            }
            if stopping.load(ordering: .acquiring) { return }
            seen += 1
            if let body { take(body, thread: thread) }
            if working.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                pthread_mutex_lock(mutex)
                pthread_cond_signal(ended)
                pthread_mutex_unlock(mutex)
            }
        }
    }

    func stop() {
        stopping.store(true, ordering: .releasing)
        pthread_mutex_lock(mutex)
        generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(begun)
        pthread_mutex_unlock(mutex)
    }
}
