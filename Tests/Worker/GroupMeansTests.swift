import Testing
import Worker

@Suite struct GroupMeansTests {
    /// Of three groups: gradients of a parameter, means and variances of a layer.
    private let gradients: [[Float]] = [[1, 0.1, -3], [2, 0.2, 1e-7], [4, 0.3, 5]]
    private let means: [[Double]] = [[1, 2], [3, 4], [8, 0.5]]

    @Test func aUnitsGradientIsTheMeanOfItsGroupsInTheirOrder() {
        var mean = GroupMeans(groups: 3)
        var told: [[Float]] = []
        var statistics: [[Double]] = []
        for group in 0..<3 {
            #expect(told.isEmpty && statistics.isEmpty)
            gradients[group].withUnsafeBufferPointer {
                mean.add(gradient: $0, of: 7, last: group == 2) { told.append(Array($0)) }
            }
            mean.add(means: means[group][...], variances: means[2 - group][...], of: 1, last: group == 2) {
                statistics.append(Array($0) + Array($1))
            }
        }
        #expect(
            told == [(0..<3).map { i in ((gradients[0][i] + gradients[1][i]) + gradients[2][i]) * (1 / 3 as Float) }])
        #expect(statistics == [[4, 6.5 / 3, 4, 6.5 / 3]])
    }

    @Test func ofOneGroupItIsTheGroups() {
        var mean = GroupMeans(groups: 1)
        var told: [[Float]] = []
        gradients[1].withUnsafeBufferPointer { mean.add(gradient: $0, of: 0, last: true) { told.append(Array($0)) } }
        mean.add(means: [1], variances: [2], of: 0, last: true) { told.append([Float($0[0]), Float($1[0])]) }
        #expect(told == [gradients[1], [1, 2]])
    }
}
