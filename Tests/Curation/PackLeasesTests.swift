import Curation
import Randomness
import Testing

@Suite("Leases of a packing") struct PackLeasesTests {
    private func leases(_ videos: Int, patience: Double = 100) -> PackLeases<String> {
        PackLeases(videos: videos, patience: patience)
    }

    @Test func whatALostPeerHeldIsLeasedAgain() {
        var leases = leases(4)
        #expect(leases.lease(to: "a", now: 0) == 0 && leases.leaseHere(helps: true, now: 0) == 1)
        #expect(leases.lease(to: "a", now: 0) == 2 && leases.count(of: "a") == 2)
        #expect(leases.settle(0, isSound: true, now: 1)?.verdict == .first)
        #expect(leases.lose("a") == [2] && leases.count(of: "a") == 0 && !leases.holds("a", 2))
        #expect(leases.lease(to: "b", now: 1) == 2 && leases.lease(to: "b", now: 1) == 3)
        for video in [3, 1, 2] { #expect(leases.settle(video, isSound: true, now: 2)?.verdict == .first) }
        #expect(leases.isDone && leases.done == 4)
        #expect(leases.settle(2, isSound: true, now: 3)?.verdict == .duplicate)
        #expect(leases.settle(4, isSound: true, now: 3) == nil && leases.settle(-1, isSound: true, now: 3) == nil)
    }

    @Test func whoeverDoesNotHelpTakesOnlyWhatNobodyElseCanDo() {
        var leases = leases(2)
        #expect(leases.leaseHere(helps: false, now: 0) == nil)
        #expect(leases.lease(to: "a", now: 0) == 0 && leases.lease(to: "a", now: 0) == 1)
        leases.fail(1, of: "b")
        #expect(leases.leaseHere(helps: false, now: 0) == nil, "what a peer does not hold it cannot fail at")
        leases.fail(1, of: "a")
        #expect(leases.lease(to: "b", now: 0) == nil, "no other peer is asked")
        #expect(leases.leaseHere(helps: false, now: 0) == 1 && leases.leaseHere(helps: false, now: 0) == nil)
    }

    @Test func aVideoThatTwoPeersWereLostWithIsLookedAtHere() {
        var leases = leases(1)
        for peer in ["a", "b"] {
            #expect(leases.lease(to: peer, now: 0) == 0)
            #expect(leases.lose(peer) == [0])
        }
        #expect(leases.lease(to: "c", now: 0) == nil)
        #expect(leases.leaseHere(helps: false, now: 0) == 0)
    }

    @Test func theIdleTakeWhatIsHeldForMuchLongerThanAnyTook() {
        var leases = leases(3)
        #expect(leases.lease(to: "hangs", now: 0) == 0)
        #expect(leases.lease(to: "b", now: 0) == 1 && leases.lease(to: "b", now: 0) == 2)
        #expect(leases.lease(to: "c", now: 90) == nil, "nobody knows yet how long a video takes")
        for video in [1, 2] { #expect(leases.settle(video, isSound: true, now: 4)?.verdict == .first) }
        #expect(leases.leaseHere(helps: true, now: 9) == nil && leases.lease(to: "hangs", now: 99) == nil)
        #expect(leases.leaseHere(helps: true, now: 9.5) == 0)
        #expect(leases.lease(to: "b", now: 50) == nil, "two are enough")
        #expect(leases.settle(0, isSound: true, now: 11)?.verdict == .first && leases.isDone)
        #expect(leases.settle(0, isSound: true, now: 60)?.verdict == .duplicate, "it wakes up")
    }

    @Test func whoeverIsSilentAboutALeaseIsOverdue() {
        var leases = leases(3, patience: 100)
        #expect(leases.lease(to: "a", now: 0) == 0 && leases.lease(to: "b", now: 50) == 1)
        #expect(leases.leaseHere(helps: true, now: 0) == 2)
        #expect(leases.overdue(now: 100).isEmpty)
        #expect(leases.overdue(now: 101) == ["a"])
        #expect(Set(leases.overdue(now: 151)) == ["a", "b"])
    }

    /// What is bad for everybody says nothing against who found it bad; what is done here does.
    @Test func aPeerThatCannotWhatIsDoneHereIsExposed() {
        let most = PackLeases<String>.mostFailures
        var leases = leases(4 * most)
        func round(isSound: Bool) -> [String] {
            var exposed: [String] = []
            for _ in 0..<most {
                guard let video = leases.lease(to: "a", now: 0) else { continue }
                leases.fail(video, of: "a")
            }
            #expect(leases.lease(to: "a", now: 0) == nil, "until it is decided it gets no more")
            while let video = leases.leaseHere(helps: false, now: 0) {
                exposed += leases.settle(video, isSound: isSound, now: 1)?.exposed ?? []
            }
            return exposed
        }
        #expect(round(isSound: false).isEmpty)
        #expect(round(isSound: false).isEmpty)
        #expect(leases.done == 2 * most)
        #expect(round(isSound: true) == ["a"])
    }

    /// Peers come, go, hang, fail and answer late, in any order: each video is settled once, and nothing is left over.
    @Test(arguments: 0..<300) func everyVideoIsSettledOnce(_ seed: Int) {
        let draws = Draws(seed: UInt64(seed), place: 0, purpose: .synthesis)
        let videos = 1 + draws.integer(0, below: 30)
        let helps = draws.integer(1, below: 2) == 1
        var leases = PackLeases<Int>(videos: videos, patience: 50)
        var held: [Int: [Int]] = [:]
        var here: [Int] = []
        var (counted, newest, turn, now) = ([Int](repeating: 0, count: videos), 0, 2, 0.0)
        func settle(_ video: Int) {
            if leases.settle(video, isSound: draws.integer(turn, below: 7) > 0, now: now)?.verdict == .first {
                counted[video] += 1
            }
        }
        while !leases.isDone {
            turn += 1
            now += Double(draws.integer(2_000_000 + turn, below: 100)) / 50
            for peer in leases.overdue(now: now) {
                leases.lose(peer)
                held[peer] = nil
            }
            let dice = draws.integer(turn, below: 100)
            let peers = held.keys.sorted()
            let peer = peers.isEmpty ? nil : peers[draws.integer(1_000_000 + turn, below: peers.count)]
            if dice < 15 {
                if here.isEmpty {
                    here += [leases.leaseHere(helps: helps, now: now)].compactMap { $0 }
                } else {
                    settle(here.removeFirst())
                }
            } else if dice < 22 || peer == nil {
                newest += 1
                held[newest] = []
            } else if let peer, dice < 27 {
                leases.lose(peer)
                held[peer] = nil
            } else if let peer, dice < 60 {
                if let video = leases.lease(to: peer, now: now) {
                    #expect(!leases.isSettled(video) && leases.holds(peer, video), "seed \(seed)")
                    held[peer, default: []].append(video)
                }
            } else if let peer, let video = held[peer]?.first {
                held[peer]?.removeFirst()
                if dice < 66 { leases.fail(video, of: peer) } else { settle(video) }
            }
            guard turn < 50_000 else {
                Issue.record("seed \(seed) does not end: \(leases)")
                return
            }
        }
        #expect(counted == [Int](repeating: 1, count: videos), "seed \(seed)")
    }
}

@Suite("New videos on their way") struct PackIntakeTests {
    private let part = PackMessage.mostPart

    @Test func partsComeInOrderAFewUnderWay() {
        var intake = PackIntake<String>()
        let size = 5 * part + 7
        intake.announce(3, byteCount: size, of: "a")
        intake.announce(4, byteCount: 1, of: "a")
        intake.announce(5, byteCount: 2, of: "b")
        let first = intake.requests()
        #expect(first.map(\.video) == [3, 3, 3, 3, 5] && first.map(\.offset) == [0, part, 2 * part, 3 * part, 0])
        #expect(intake.requests().isEmpty)
        #expect(intake.take(3, offset: 0, count: part, of: "a") == .write)
        #expect(intake.requests() == [.init(peer: "a", video: 3, offset: 4 * part, count: part)])
        #expect(intake.take(5, offset: 0, count: 2, of: "b") == .complete)
        for number in 1...4 { #expect(intake.take(3, offset: number * part, count: part, of: "a") == .write) }
        #expect(intake.requests() == [.init(peer: "a", video: 3, offset: 5 * part, count: 7)])
        #expect(intake.take(3, offset: 5 * part, count: 7, of: "a") == .complete)
        #expect(intake.requests() == [.init(peer: "a", video: 4, offset: 0, count: 1)])
    }

    @Test func partsThatNobodyAskedForAreNonsense() {
        var intake = PackIntake<String>()
        intake.announce(0, byteCount: 6 * part, of: "a")
        _ = intake.requests()
        #expect(intake.take(1, offset: 0, count: part, of: "a") == .none)
        #expect(intake.take(0, offset: 0, count: part, of: "b") == .none)
        #expect(intake.take(0, offset: part, count: part, of: "a") == .nonsense)
        #expect(intake.take(0, offset: 0, count: part - 1, of: "a") == .nonsense)
        for number in 0..<4 { #expect(intake.take(0, offset: number * part, count: part, of: "a") == .write) }
        #expect(intake.take(0, offset: 4 * part, count: part, of: "a") == .nonsense, "not asked for yet")
        intake.drop("a")
        #expect(intake.take(0, offset: 4 * part, count: part, of: "a") == .none && intake.requests().isEmpty)
    }

    @Test func ofAllTogetherLittleIsUnderWay() {
        var intake = PackIntake<Int>()
        for peer in 0..<40 { intake.announce(peer, byteCount: 100 * part, of: peer) }
        #expect(intake.requests().count == PackIntake<Int>.most * PackIntake<Int>.window)
    }
}
