import Models
import Randomness
import Testing

struct InitialiserTests {
    private let net: NetworkDescription

    init() throws { net = try NetworkDescription(named: "r2plus1d-10", classes: 400, frames: 8, size: 56) }

    @Test func slicesAreSlicesOfTheWhole() {
        for index in [0, 3, net.parameters.count - 2] {
            let whole = net.initialValue(parameter: index, seed: 7)
            for range in [0..<1, 1..<2, 3..<18, 100..<101, whole.count - 5..<whole.count, 4..<4] {
                guard range.upperBound <= whole.count else { continue }
                var part = [Float](repeating: .nan, count: range.count)
                part.withUnsafeMutableBufferPointer {
                    net.initialValue(parameter: index, range: range, seed: 7, into: $0)
                }
                #expect(part == Array(whole[range]), "\(net.parameters[index].name) \(range)")
            }
        }
    }

    @Test func normalValuesAreThoseOfDraws() throws {
        let draws = Draws(seed: 11, place: 0, purpose: .initialWeights)
        let deviation = (2.0 / (45 * 49)).squareRoot()  // conv1_middle_w: fan_out = K·kh·kw
        #expect(net.parameters[0].shape == [45, 3, 1, 7, 7])
        let expected = (0..<50).map { Float(deviation * draws.normal($0)) }
        #expect(Array(net.initialValue(parameter: 0, seed: 11).prefix(50)) == expected)
    }

    @Test func momentsAreThoseOfTheFamily() throws {
        func moments(_ net: NetworkDescription, _ name: String) throws -> (mean: Double, deviation: Double, peak: Float)
        {
            let index = try #require(net.parameters.firstIndex { $0.name == name })
            let values = net.initialValue(parameter: index, seed: 5)
            let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
            let square = values.reduce(0.0) { $0 + Double($1 * $1) } / Double(values.count)
            return (mean, (square - mean * mean).squareRoot(), values.map(abs).max() ?? 0)
        }
        let convolution = try moments(net, "comp_3_conv_1_w")  // [512, 921, 3, 1, 1]: fan_out 1536
        #expect(abs(convolution.mean) < 1e-4)
        #expect(abs(convolution.deviation / (2.0 / 1536).squareRoot() - 1) < 0.01)
        let linear = try moments(net, "last_out_L400_w")  // uniform within √(3 / 512)
        #expect(abs(Double(linear.peak) / (3.0 / 512).squareRoot() - 1) < 1e-3)
        #expect(abs(linear.deviation / (1.0 / 512).squareRoot() - 1) < 0.01)
        let torchvision = try NetworkDescription(named: "torchvision/r3d_18", classes: 400, frames: 8, size: 56)
        #expect(abs(try moments(torchvision, "fc.weight").deviation / 0.01 - 1) < 0.01)
        #expect(try moments(net, "comp_0_spatbn_1_s") == (1, 0, 1))
        #expect(try moments(net, "comp_0_spatbn_1_b") == (0, 0, 0))
    }
}
