import Clips
import Faults
import Foundation
import TestSupport
import Testing

/// RandAugment's operations against Pillow's (scripts/peers/pictures.py), and its notation.
@Suite struct PictureOperationTests {
    private struct Recorded: Decodable {
        var side: Int
        var picture: [UInt8]
        var cases: [String: [UInt8]]
    }

    private static let operations: [(name: String, operation: PictureOperation, most: Int)] = [
        // What is a table or whole numbers is equal; what is blended or interpolated may round to the neighbour.
        ("stretch", .stretchContrast, 0), ("equalize", .equalize, 0), ("invert", .invert, 0),
        ("posterize-3", .posterize(bits: 3), 0), ("solarize-100", .solarize(from: 100, adding: nil), 0),
        ("solarize-add-60", .solarize(from: 128, adding: 60), 0), ("colour-1.6", .enhance(.colour, 1.6), 1),
        ("contrast-0.4", .enhance(.contrast, 0.4), 1), ("brightness-1.3", .enhance(.brightness, 1.3), 1),
        ("sharpness-1.8", .enhance(.sharpness, 1.8), 1),
    ]

    private func recorded() throws -> Recorded {
        let path = sourceTree + "/Tests/Fixtures/training/pictures.json"
        return try JSONDecoder().decode(Recorded.self, from: Data(text(of: path).utf8))
    }

    private func largestDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
        zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test func coloursAreThoseOfPillow() throws {
        let recorded = try recorded()
        for (name, operation, most) in Self.operations {
            var picture = recorded.picture
            operation.apply(to: &picture, side: recorded.side)
            let wanted = try #require(recorded.cases[name])
            #expect(picture != recorded.picture, "\(name) changes nothing")
            #expect(largestDifference(picture, wanted) <= most, "\(name)")
        }
    }

    /// Where all four neighbours lie inside; Pillow cuts the border in another way.
    @Test func placesAreThoseOfPillow() throws {
        let recorded = try recorded()
        let moves: [(String, PictureOperation)] = [
            ("rotate-21", .rotate(turns: 21.0 / 360)), ("shear-x", .shear(x: 0.21, y: 0)),
            ("shear-y", .shear(x: 0, y: -0.21)), ("translate-x", .translate(x: 0.2, y: 0)),
        ]
        for (name, move) in moves {
            var picture = recorded.picture
            move.apply(to: &picture, side: recorded.side)
            let wanted = try #require(recorded.cases[name])
            var compared = 0
            for y in 7..<17 {
                for i in 3 * (y * recorded.side + 7)..<3 * (y * recorded.side + 17) {
                    #expect(abs(Int(picture[i]) - Int(wanted[i])) <= 1, "\(name) \(i): \(picture[i]), \(wanted[i])")
                    compared += 1
                }
            }
            #expect(compared == 300)
        }
    }

    @Test func nothingIsDoneByNothing() throws {
        let recorded = try recorded()
        for operation: PictureOperation in [
            .rotate(turns: 0), .shear(x: 0, y: 0), .translate(x: 0, y: 0), .posterize(bits: 8),
            .solarize(from: 256, adding: nil), .enhance(.colour, 1), .enhance(.sharpness, 1),
        ] {
            var picture = recorded.picture
            operation.apply(to: &picture, side: recorded.side)
            #expect(picture == recorded.picture, "\(operation)")
        }
    }

    @Test func theNotationIsRead() throws {
        let full = try RandAugment("rand-m7-n4-mstd0.5-inc1")
        #expect((full.magnitude, full.operations, full.deviation, full.increases) == (7, 4, 0.5, true))
        let short = try RandAugment("rand")
        #expect((short.magnitude, short.operations, short.deviation, short.increases) == (10, 2, 0, false))
        for wrong in [
            "", "augmix-m3", "rand-m11", "rand-n0", "rand-n1.5", "rand-w0", "rand-m", "rand--m3", "rand-mstd",
        ] {
            let fault = #expect(throws: Fault.self) { try RandAugment(wrong) }
            #expect(fault?.code == .usage && fault?.thing == "augment.rand_augment", "\(wrong)")
        }
    }

    /// Half of the operations happen, every one of the fifteen comes up, and magnitudes lie where they may.
    @Test func operationsAreDrawnAsTold() throws {
        let settings = try RandAugment("rand-m7-n4-mstd0.5-inc1")
        let plans = (0..<2000).map { settings.plan(seed: 3, position: UInt64($0)) }
        let count = plans.map(\.count).reduce(0, +)
        // 8000 draws of one half: a deviation of 45.
        #expect(abs(count - 4000) < 225)
        var kinds: [String: Int] = [:]
        for operation in plans.joined() {
            kinds[String("\(operation)".prefix { $0 != "(" }), default: 0] += 1
            if case .rotate(let turns) = operation {
                #expect(abs(turns) > 0.3 / 12 && abs(turns) <= 1.0 / 12)
            }
        }
        // Enhancing, shearing, shifting and solarising each stand for several of the fifteen.
        #expect(kinds.count == 9, "\(kinds)")
        #expect(settings.plan(seed: 3, position: 5) == plans[5])
        #expect(settings.plan(seed: 4, position: 5) != plans[5] || settings.plan(seed: 4, position: 6) != plans[6])
    }
}
