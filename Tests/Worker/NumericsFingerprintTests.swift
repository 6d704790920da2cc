import Kernels
import Testing
import Worker

@Suite struct NumericsFingerprintTests {
    @Test func isTheSameEachTimeAndAnotherForOtherKernels() throws {
        let best = try numericsFingerprint(.best, .auto)
        #expect(try numericsFingerprint(.best, .auto) == best)
        #expect(try numericsFingerprint(.baseline, .auto) != best)
        #expect(try numericsFingerprint(.best, .preferring("direct")) != best)
    }

    /// A kernel that the network does not have counts, too.
    @Test(
        arguments: [
            "narrow, two of four pixels", "planes, full vectors", "depthwise 54", "2 groups, prime channels",
            LayerShapes.fewTiles.name,
            LayerShapes.fewerProducts.name,
        ])
    func seesEachLayer(name: String) throws {
        let others = LayerShapes.telling.filter { $0.name != name }
        try #require(others.count == LayerShapes.telling.count - 1)
        #expect(try numericsFingerprint(.best, .auto, layers: others) != numericsFingerprint(.best, .auto))
    }

    @Test func itsLayersAreOfEveryKind() throws {
        let kinds = Set(try LayerShapes.odd.flatMap { try Convolution($0.shape, instructionSet: .best).chosen })
        #expect(kinds.isSuperset(of: ["winograd", "depthwise", "planes", "narrow", "direct", "grouped"]), "\(kinds)")
    }
}
