import Protocol
import Testing

@Suite struct PauseDetectorTests {
    private static let detector = PauseDetector(interval: 0.2, shortest: 0.6)

    @Test func ticksInTimeAndALittleLateAreNoPause() {
        var detector = Self.detector
        for now in [1000, 1000.2, 1000.4, 1000.9, 1001] { #expect(detector.tick(now: now) == nil, "\(now)") }
    }

    @Test func whatIsMoreThanATickIsForgivenToWhoeverWasSilent() throws {
        var detector = Self.detector
        _ = detector.tick(now: 10)
        let noticed = detector.tick(now: 3610.2)
        let pause = try #require(noticed)
        #expect(abs(pause.seconds - 3600) < 1e-6 && pause.end == 3610.2)
        #expect(abs(pause.forgiven(8) - 3608) < 1e-6, "two seconds of silence before it, and the tick")
        #expect(pause.forgiven(3610.1) == 3610.2, "heard after it, before the tick: no silence at all")
        #expect(detector.tick(now: 3610.4) == nil, "it is over")
    }

    /// Whoever fell silent as it began has not been silent for long enough when it ends, however short it was.
    @Test(arguments: [0.61, 0.9, 1, 1.1, 3600]) func noSilenceOfAPauseIsTheShortestThatCounts(_ seconds: Double) throws
    {
        var detector = Self.detector
        _ = detector.tick(now: 10)
        let pause = detector.tick(now: 10 + seconds)
        let since = try #require(pause).forgiven(10)
        #expect(10 + seconds - since < 0.3)
    }

    @Test func eachPauseCountsOnce() throws {
        var detector = Self.detector
        _ = detector.tick(now: 0)
        var heard = 0.0
        for now in [30.2, 60.4, 90.6] {
            let pause = detector.tick(now: now)
            heard = try #require(pause).forgiven(heard)
        }
        #expect(abs(heard - 90) < 1e-6)
    }
}
