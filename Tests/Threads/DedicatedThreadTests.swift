import Glibc
import Synchronization
import Testing
import Threads

/// A process that ends while a thread still clears away what libraries keep for it does so at the same time.
@Suite("Threads that are waited for are gone", .timeLimit(.minutes(3)))
struct DedicatedThreadTests {
    @Test("A thread that is joined has nothing left")
    func joined() {
        let belongings = Belongings()
        for round in 1...20 {
            let thread = DedicatedThread(name: "short") { belongings.leaveOne() }
            thread.join()
            #expect(belongings.cleared == round)
        }
    }

    @Test("A thread that the system does not start ends the process with a line that says why")
    func refused() async {
        let result = await #expect(processExitsWith: .exitCode(75), observing: [\.standardErrorContent]) {
            // Nothing more can be mapped, so there is no stack for a thread.
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
            _ = DedicatedThread(name: "too many") {}
        }
        let said = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(said.contains("zoetrope: thread 'too many': the system does not start it: Resource temporarily"))
        #expect(said.contains("pids.max"))
    }

    @Test("All who join wait until then, and whoever comes later does not wait")
    func joinedBySeveral() {
        let belongings = Belongings()
        let thread = DedicatedThread(name: "short") { belongings.leaveOne() }
        let seen = mapOnThreads(name: "joining", count: 4, threads: 4) { _ in
            thread.join()
            return belongings.cleared
        }
        #expect(seen == [1, 1, 1, 1])
        thread.join()
    }

    @Test("The threads of a map have nothing left when it returns")
    func mapped() {
        let belongings = Belongings()
        for round in 1...20 {
            let values = mapOnThreads(
                name: "short", count: 4, threads: 4, context: { belongings.leaveOne() }, { _, i in i })
            #expect(values == [0, 1, 2, 3])
            #expect(belongings.cleared == 4 * round)
        }
    }
}

/// What a library keeps for each thread, and clears away when its work is done already.
private final class Belongings: Sendable {
    private let key: pthread_key_t
    private let count = Atomic<Int>(0)

    init() {
        var key = pthread_key_t()
        let status = pthread_key_create(
            &key,
            { pointer in
                let belongings = Unmanaged<Belongings>.fromOpaque(pointer!).takeRetainedValue()
                // Whoever was told too early comes by meanwhile.
                for _ in 0..<200 { sched_yield() }
                belongings.count.add(1, ordering: .sequentiallyConsistent)
            })
        precondition(status == 0, "the system refused a key: error \(status)")
        self.key = key
    }

    deinit { pthread_key_delete(key) }

    /// How many are cleared away.
    var cleared: Int { count.load(ordering: .sequentiallyConsistent) }

    /// On the thread that is to have them.
    func leaveOne() { pthread_setspecific(key, Unmanaged.passRetained(self).toOpaque()) }
}
