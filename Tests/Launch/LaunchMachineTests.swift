import Faults
import Launch
import Protocol
import Testing

@Suite("What a launch starts, starts again and ends")
struct LaunchMachineTests {
    typealias Directive = LaunchMachine.Directive

    private func host(_ name: String) -> ClusterConfiguration.Host { ClusterConfiguration.Host(name: name) }

    /// A launch of `names` whose coordinator listens, at second 0.
    private func running(_ names: [String], isElastic: Bool = false) -> LaunchMachine {
        var machine = LaunchMachine(hosts: names.map(host), isElastic: isElastic, grace: 60)
        #expect(machine.start(now: 0) == [.startCoordinator])
        #expect(machine.coordinatorListens(now: 0) == names.map { .startWorker(host($0)) })
        return machine
    }

    /// Without the lines for people.
    private func deeds(_ directives: [Directive]) -> [Directive] {
        directives.filter { if case .say = $0 { false } else { true } }
    }

    @Test("Workers wait until the coordinator listens; a run that is done at once never starts one")
    func finishedRun() {
        var machine = LaunchMachine(hosts: [host("a")], isElastic: false, grace: 60)
        #expect(machine.start(now: 0) == [.startCoordinator])
        #expect(machine.tick(now: 100) == [])
        #expect(machine.ended(.coordinator, .code(0), now: 1) == [.finish(0)])
        #expect(machine.tick(now: 2) == [])
    }

    @Test("Its code is the coordinator's, once the workers have ended", arguments: [0, 65, 70, 75] as [Int32])
    func code(code: Int32) {
        var machine = running(["a", "b"])
        #expect(machine.ended(.worker("a"), .code(75), now: 9.9).last != .finish(code))
        #expect(machine.ended(.coordinator, .code(code), now: 10) == [.signal(.worker("b"), 15)])
        #expect(machine.ended(.worker("b"), .code(code), now: 11) == [.finish(code)])
    }

    @Test("Who runs behind the coordinator is told to leave, killed when its time is over, and then not waited for")
    func stubborn() throws {
        for (code, grace) in [(0, 60.0), (75, 60.0), (70, 5.0)] as [(Int32, Double)] {
            var machine = running(["a"])
            // It may have never joined, and would wait for a coordinator.
            #expect(machine.ended(.coordinator, .code(code), now: 100) == [.signal(.worker("a"), 15)])
            #expect(machine.deadline == 100 + grace)
            #expect(machine.tick(now: 100 + grace - 0.1) == [])
            #expect(machine.tick(now: 100 + grace) == [.kill(.worker("a"))])
            #expect(machine.tick(now: 100 + grace + 1) == [])
            var other = machine
            #expect(other.ended(.worker("a"), .signal(9), now: 100 + grace + 1) == [.finish(code)])
            let deadline = try #require(machine.deadline)
            #expect(deeds(machine.tick(now: deadline)) == [.finish(code)])
        }
    }

    @Test("A worker that dies is started again: after 1 s, 2 s, 4 s, up to a minute, and after 1 s when it had lived")
    func backOff() throws {
        var machine = running(["a"])
        var now = 0.0
        for wait in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            #expect(deeds(machine.ended(.worker("a"), .signal(9), now: now)) == [])
            let deadline = try #require(machine.deadline)
            #expect(deadline == now + wait)
            #expect(machine.tick(now: deadline - 0.01) == [])
            #expect(machine.tick(now: deadline) == [.startWorker(host("a"))])
            now = deadline
        }
        #expect(deeds(machine.ended(.worker("a"), .code(255), now: now + 61)) == [])
        #expect(machine.deadline == now + 62)
    }

    @Test(
        "What trying again does not mend is not tried again; without workers the launch ends, and says why",
        arguments: [(64, 64), (65, 65), (126, 64), (127, 64)] as [(Int32, Int32)])
    func givenUp(exit: Int32, code: Int32) {
        var machine = running(["a", "b"])
        #expect(deeds(machine.ended(.worker("a"), .code(exit), now: 1)) == [])
        #expect(machine.deadline == nil)
        #expect(deeds(machine.ended(.worker("b"), .code(exit), now: 2)) == [.signal(.coordinator, 15)])
        #expect(machine.ended(.coordinator, .code(75), now: 3) == [.finish(code)])
    }

    @Test("A coordinator that all workers have left in order may be at its end: it has time for it")
    func allHaveLeft() {
        var machine = running(["a", "b"])
        #expect(deeds(machine.ended(.worker("a"), .code(0), now: 1)) == [])
        #expect(deeds(machine.ended(.worker("b"), .code(0), now: 2)) == [])
        var done = machine
        #expect(done.ended(.coordinator, .code(0), now: 100) == [.finish(0)])
        #expect(machine.deadline == 602)
        #expect(machine.tick(now: 601) == [])
        // Everybody was told to leave, and the run waits for somebody.
        #expect(deeds(machine.tick(now: 602)) == [.signal(.coordinator, 15)])
        #expect(machine.deadline == nil && machine.tick(now: 603) == [])
        #expect(machine.ended(.coordinator, .code(75), now: 604) == [.finish(75)])
    }

    @Test("A coordinator that says that it is at its end has all the time it needs, whoever could not take part")
    func atItsEnd() {
        var machine = running(["a", "b"])
        #expect(deeds(machine.ended(.worker("a"), .code(64), now: 1)) == [])
        // This may be heard before what the coordinator says.
        #expect(deeds(machine.ended(.worker("b"), .code(0), now: 2)) == [])
        machine.coordinatorStops()
        #expect(machine.deadline == nil && machine.tick(now: 100_000) == [])
        var done = machine
        #expect(done.ended(.coordinator, .code(0), now: 100_001) == [.finish(0)])
        // Killed meanwhile, it may find out once more that the run is done.
        #expect(deeds(machine.ended(.coordinator, .code(137), now: 100_000)) == [])
        #expect(machine.tick(now: 100_001) == [.startCoordinator])
        var other = machine
        #expect(deeds(other.tick(now: 100_601)) == [.signal(.coordinator, 15)])
        machine.coordinatorStops()
        #expect(machine.tick(now: 200_000) == [])
    }

    @Test("One that is killed at its end is started again, and finds that it was done")
    func killedAtItsEnd() {
        var machine = running(["a"])
        #expect(deeds(machine.ended(.worker("a"), .code(0), now: 1)) == [])
        #expect(deeds(machine.ended(.coordinator, .signal(9), now: 2)) == [])
        #expect(deeds(machine.tick(now: 3)) == [.startCoordinator])
        #expect(machine.ended(.coordinator, .code(0), now: 4) == [.finish(0)])
    }

    @Test("A coordinator that is killed is started again; its workers stay. One that says why it ended is not")
    func coordinatorDies() throws {
        var machine = running(["a"])
        var now = 0.0
        for wait in [1.0, 2, 4, 8, 16] {
            #expect(deeds(machine.ended(.coordinator, .code(137), now: now)) == [])
            #expect(machine.deadline == now + wait)
            now += wait
            #expect(machine.tick(now: now) == [.startCoordinator])
            // It listens again: nobody is started twice.
            #expect(machine.coordinatorListens(now: now) == [])
            var other = machine
            #expect(other.ended(.coordinator, .code(64), now: now) == [.signal(.worker("a"), 15)])
            #expect(other.deadline == now + 5)
        }
        #expect(deeds(machine.ended(.coordinator, .code(137), now: now)) == [.signal(.worker("a"), 15)])
        #expect(machine.tick(now: now + 5) == [.kill(.worker("a"))])
        #expect(machine.ended(.worker("a"), .signal(9), now: now + 6) == [.finish(70)])
    }

    @Test("A worker that was told to leave because of the list is not told again: a second time would kill it")
    func toldOnce() {
        var machine = running(["a", "b"], isElastic: true)
        #expect(deeds(machine.hosts([host("b")], now: 1)) == [.signal(.worker("a"), 15)])
        #expect(machine.ended(.coordinator, .code(0), now: 2) == [.signal(.worker("b"), 15)])
        #expect(machine.ended(.worker("b"), .code(0), now: 3) == [])
        #expect(machine.ended(.worker("a"), .code(0), now: 4) == [.finish(0)])
    }

    @Test("What could not be started for lack of descriptors is tried again; a program that is not there is not")
    func notStarted() {
        let shortage = Exit(notStarted: Fault(.internal, "pipe", "Too many open files"))
        #expect(Exit(notStarted: Fault(.usage, "ssh", "cannot be started")) == .code(127))
        var machine = running(["a"])
        #expect(
            machine.ended(.worker("a"), shortage, now: 1) == [
                .say(.worker("a"), "ended (it could not be started); it starts again in 1 s")
            ])
        #expect(machine.tick(now: 2) == [.startWorker(host("a"))])
        #expect(deeds(machine.ended(.coordinator, shortage, now: 3)) == [])
        #expect(machine.tick(now: 4) == [.startCoordinator])
        // Nothing of it can run still: a refusal is meant.
        #expect(machine.ended(.coordinator, .code(64), now: 5) == [.signal(.worker("a"), 15)])
    }

    @Test("A coordinator without a program to start is not tried again")
    func noCoordinator() {
        for code in [126, 127] as [Int32] {
            var machine = LaunchMachine(hosts: [host("a")], isElastic: false, grace: 60)
            _ = machine.start(now: 0)
            #expect(deeds(machine.ended(.coordinator, .code(code), now: 1)) == [.finish(64)])
        }
    }

    @Test("A coordinator whose connection broke may keep the run a while from the next, which is tried until then")
    func lostCoordinator() {
        for exit in [.code(255), .signal(9), .lost] as [Exit] {
            var machine = running(["a"])
            #expect(deeds(machine.ended(.coordinator, exit, now: 100)) == [])
            #expect(machine.tick(now: 101) == [.startCoordinator])
            var now = 102.0
            while now < 165 {
                #expect(deeds(machine.ended(.coordinator, .code(64), now: now)) == [])
                #expect(machine.deadline == now + 2)
                now += 2
                #expect(machine.tick(now: now) == [.startCoordinator])
                now += 1
            }
            // By then the old one has ended or was killed: what is said now is meant.
            #expect(deeds(machine.ended(.coordinator, .code(64), now: now)) == [.signal(.worker("a"), 15)])
            #expect(machine.deadline == now + 5)
            #expect(machine.tick(now: now + 5) == [.kill(.worker("a"))])
            #expect(machine.ended(.worker("a"), .signal(9), now: now + 5) == [.finish(64)])
        }
    }

    @Test("The first wish to stop reaches the coordinator, and it alone; nobody is started any more")
    func stop() {
        var machine = running(["a", "b"])
        #expect(deeds(machine.wish(.stop(signal: 10), now: 5)) == [.signal(.coordinator, 10)])
        #expect(machine.wish(.stop(signal: 15), now: 6) == [])
        #expect(machine.ended(.worker("a"), .signal(9), now: 6) == [])
        #expect(machine.tick(now: 1000) == [])
        #expect(machine.ended(.coordinator, .code(75), now: 7) == [.signal(.worker("b"), 15)])
        #expect(machine.ended(.worker("b"), .code(75), now: 8) == [.finish(75)])
    }

    @Test("A stop while the coordinator waits to be started again ends the launch with 75")
    func stopBetween() {
        var machine = running(["a"])
        _ = machine.ended(.coordinator, .signal(9), now: 5)
        #expect(deeds(machine.wish(.stop(signal: 15), now: 5.5)) == [.signal(.worker("a"), 15)])
        #expect(machine.ended(.worker("a"), .code(75), now: 6) == [.finish(75)])
    }

    @Test("An abort kills everything at once")
    func abort() {
        var machine = running(["a"])
        _ = machine.wish(.stop(signal: 15), now: 5)
        let killed = deeds(machine.wish(.abort, now: 6))
        #expect(killed == [.kill(.coordinator), .kill(.worker("a"))])
        #expect(machine.ended(.worker("a"), .signal(9), now: 6) == [])
        #expect(machine.ended(.coordinator, .signal(9), now: 6) == [.finish(130)])
    }

    @Test("Hosts that are new in the list join; those that are gone from it are told to leave, and may come back")
    func elastic() {
        var machine = running(["a", "b"], isElastic: true)
        #expect(
            deeds(machine.hosts([host("b"), host("c")], now: 1)) == [
                .signal(.worker("a"), 15), .startWorker(host("c")),
            ])
        // Read again with nothing new.
        #expect(machine.hosts([host("b"), host("c")], now: 2) == [])
        #expect(machine.hosts([host("a"), host("b"), host("c")], now: 3) == [])
        #expect(machine.ended(.worker("a"), .code(0), now: 4) == [.startWorker(host("a"))])
        #expect(deeds(machine.hosts([host("b"), host("c")], now: 5)) == [.signal(.worker("a"), 15)])
        #expect(machine.ended(.worker("a"), .code(0), now: 6) == [])
        // Without any it goes on, and waits for others.
        for name in ["b", "c"] { _ = machine.ended(.worker(name), .code(64), now: 7) }
        #expect(machine.tick(now: 1000) == [])
        var mended = host("b")
        mended.program = "/opt/zoetrope"
        #expect(machine.hosts([mended, host("c")], now: 1001) == [.startWorker(mended)])
    }

    @Test("A host that runs and has other keys now is left alone until it starts again")
    func changed() {
        var machine = running(["a"], isElastic: true)
        var other = host("a")
        other.threads = 3
        #expect(deeds(machine.hosts([other], now: 1)) == [])
        _ = machine.ended(.worker("a"), .signal(11), now: 2)
        #expect(machine.tick(now: 3) == [.startWorker(other)])
    }
}
