import Models
import Randomness
import Testing

struct MemoryPlanTests {
    /// Random lives: no two buffers alive at one step overlap, and the arena stays near the least that can do.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func buffersAliveTogetherNeverOverlap(seed: UInt64) {
        let draws = Draws(seed: seed, place: 0, purpose: .simulation)
        var plan = MemoryPlan()
        var lives: [[ClosedRange<Int>]] = []
        for i in 0..<150 {
            func length(_ place: Int) -> Int { draws.integer(4 * i + place, below: 12) }
            let first = draws.integer(4 * i, below: 60)
            let buffer = plan.buffer(bytes: draws.integer(4 * i + 2, below: 5000), from: first)
            lives.append([first...first + length(1)])
            plan.need(buffer, at: lives[i][0].upperBound)
            if i % 3 == 0 {
                // Written anew, a while later.
                let again = lives[i][0].upperBound + 1 + length(3)
                lives[i].append(again...again + length(1))
                plan.renew(buffer, at: again)
                plan.need(buffer, at: lives[i][1].upperBound)
            }
        }
        plan.place()
        for a in lives.indices {
            #expect(plan.offset(a) % MemoryPlan.alignment == 0)
            #expect(plan.offset(a) + plan.bytes(a) <= plan.size)
            for b in 0..<a where lives[a].contains(where: { mine in lives[b].contains { $0.overlaps(mine) } }) {
                let apart =
                    plan.offset(a) + plan.bytes(a) <= plan.offset(b) || plan.offset(b) + plan.bytes(b) <= plan.offset(a)
                #expect(apart, "seed \(seed): buffers \(a) and \(b)")
            }
        }
        #expect(plan.size >= plan.lowerBound)
        #expect(Double(plan.size) < 1.35 * Double(plan.lowerBound), "seed \(seed)")
    }

    @Test func memoryOfABufferIsOthersUntilItIsWrittenAnew() {
        var plan = MemoryPlan()
        let kept = plan.buffer(bytes: 1024, from: 0)
        plan.need(kept, at: 1)
        plan.renew(kept, at: 5)
        plan.need(kept, at: 6)
        let between = plan.buffer(bytes: 1024, from: 2)
        plan.need(between, at: 4)
        plan.place()
        #expect(plan.size == 1024)
        #expect(plan.lowerBound == 1024)
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
