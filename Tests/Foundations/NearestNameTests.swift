import Faults
import Testing

@Suite struct NearestNameTests {
    @Test func aTypingErrorFindsItsName() {
        let keys = ["batch.units", "batch.clips_per_unit", "schedule.epochs"]
        #expect(nearestName(to: "batch.unit", among: keys) == "batch.units")
        #expect(nearestName(to: "schedule.epcohs", among: keys) == "schedule.epochs")
        #expect(nearestName(to: "optimizer.momentum", among: keys) == nil)
    }

    @Test func aFaultNamesThingReasonAndMend() {
        let fault = Fault(.usage, "seed", "is not a number", mend: "write seed=1")
        #expect(fault.description == "seed: is not a number; write seed=1")
        #expect(fault.code.rawValue == 64)
    }
}
