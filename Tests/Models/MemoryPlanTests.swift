import Models
import Randomness
import Testing

struct MemoryPlanTests {
    /// Random lives: no two buffers alive at one step overlap, and the arena stays near the least that can do.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func buffersAliveTogetherNeverOverlap(seed: UInt64) {
        let draws = Draws(seed: seed, place: 0, purpose: .simulation)
        var plan = MemoryPlan()
        var lives: [(first: Int, last: Int)] = []
        for i in 0..<150 {
            let first = draws.integer(3 * i, below: 60)
            let last = first + draws.integer(3 * i + 1, below: 12)
            let buffer = plan.buffer(bytes: draws.integer(3 * i + 2, below: 5000), from: first)
            plan.need(buffer, at: last)
            lives.append((first, last))
        }
        plan.place()
        for a in lives.indices {
            #expect(plan.offset(a) % MemoryPlan.alignment == 0)
            #expect(plan.offset(a) + plan.bytes(a) <= plan.size)
            for b in 0..<a where lives[a].first <= lives[b].last && lives[b].first <= lives[a].last {
                let apart =
                    plan.offset(a) + plan.bytes(a) <= plan.offset(b) || plan.offset(b) + plan.bytes(b) <= plan.offset(a)
                #expect(apart, "seed \(seed): buffers \(a) and \(b)")
            }
        }
        #expect(plan.size >= plan.lowerBound)
        #expect(Double(plan.size) < 1.35 * Double(plan.lowerBound), "seed \(seed)")
    }

    @Test func buffersOfDifferentTimesShareMemory() {
        var plan = MemoryPlan()
        for step in 0..<10 {
            let buffer = plan.buffer(bytes: 1000, from: step)
            plan.need(buffer, at: step + 1)
        }
        plan.place()
        #expect(plan.size == 2048)
    }
}
