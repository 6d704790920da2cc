import Testing
import Wire

/// What very many workers cost the coordinator, which is one thread: its decisions and the coding of its messages, without
/// the sockets.
@Suite struct ManyWorkersTests {
    /// R(2+1)D-18's 33.3 million weights in tensors of its sizes, about.
    private static let parameters = [Int](repeating: 1_769_472, count: 10) + Array(repeating: 442_368, count: 30)

    /// 1,024 workers, two units for each and 1.5 s for a unit.
    @Test func aThousandWorkersLeaveTheCoordinatorMostOfItsCore() throws {
        let cluster = ScriptedCluster(
            workers: 1024, units: 2048, steps: 8, unitSeconds: 1.5, parameters: Self.parameters, seed: 1)
        try cluster.run(steps: 4, limit: 60)
        try #require(cluster.stepSeconds.count == 4, "\(cluster.stepSeconds)")
        // All get their share at once; a worker that is a fifth slower, or one with a block more, makes the end.
        let seconds = cluster.stepSeconds.reduce(0, +)
        #expect(seconds / 4 < 6, "\(cluster.stepSeconds)")
        let share = (cluster.busySeconds - cluster.joiningSeconds) / seconds
        print(
            "1,024 workers: \(cluster.stepSeconds) s, the coordinator busy for \(share) of them, joining took "
                + "\(cluster.joiningSeconds) s, \(cluster.frames) frames")
        #expect(cluster.statusMembers == 1024)
        // It keeps up with half its core at the most, on a machine that does other things beside.
        #expect(share < 0.5, "\(share)")
    }

    /// More than one rebalancing may copy: but what the seed gives nobody need copy.
    @Test func everyChunkOfASeededRunHasItsBuddyFromTheFirstStepOn() throws {
        let cluster = ScriptedCluster(
            workers: 2, units: 8, steps: 8, unitSeconds: 1.5, parameters: Self.parameters, seed: 2)
        try cluster.run(steps: 4, limit: 60)
        try #require(cluster.stepSeconds.count == 4, "\(cluster.stepSeconds)")
        #expect(cluster.maps.count == 1)
        #expect(cluster.maps.first?.buddies.allSatisfy { $0.count == 1 } == true)
    }

    /// Those who live hold what it gave them by then: still nobody copies from them.
    @Test func aDeathDuringTheFirstMapOfASeededRunMakesNobodyCopy() throws {
        let cluster = ScriptedCluster(
            workers: 3, units: 8, steps: 8, unitSeconds: 1.5, parameters: Self.parameters, oneDies: true, seed: 3)
        try cluster.run(steps: 2, limit: 60)
        try #require(cluster.stepSeconds.count == 2, "\(cluster.stepSeconds)")
        let maps = cluster.maps.sorted { $0.number < $1.number }
        #expect(maps.map { Set($0.owners).count } == [3, 2])
        for map in maps {
            #expect(map.version == 0 && map.sources.allSatisfy { $0 == .initial }, "map \(map.number): \(map.sources)")
            #expect(map.buddies.allSatisfy { $0.count == 1 })
        }
    }
}
