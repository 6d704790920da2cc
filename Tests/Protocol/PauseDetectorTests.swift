import Protocol
import Testing

@Suite struct PauseDetectorTests {
    @Test func ticksInTimeAndALittleLateAreNoPause() {
        var detector = PauseDetector()
        for now in [1000, 1000.2, 1000.4, 1001.4, 1001.5] { #expect(detector.tick(now: now) == nil, "\(now)") }
    }

    @Test func whatIsMoreThanASecondIsForgivenToWhoeverWasSilent() throws {
        var detector = PauseDetector()
        _ = detector.tick(now: 10)
        let noticed = detector.tick(now: 3611)
        let pause = try #require(noticed)
        #expect(pause == Pause(seconds: 3600, end: 3611))
        #expect(pause.forgiven(8) == 3608, "two seconds of silence before it, and the one that a tick may take")
        #expect(pause.forgiven(3610.5) == 3611, "heard after it, before the tick: no silence at all")
        #expect(detector.tick(now: 3611.2) == nil, "it is over")
    }

    @Test func eachPauseCountsOnce() throws {
        var detector = PauseDetector()
        _ = detector.tick(now: 0)
        var heard = 0.0
        for now in [31.0, 62, 93] {
            let pause = detector.tick(now: now)
            heard = try #require(pause).forgiven(heard)
        }
        #expect(heard == 90)
    }
}
