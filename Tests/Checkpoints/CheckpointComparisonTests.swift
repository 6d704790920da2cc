import Checkpoints
import Testing

struct CheckpointComparisonTests {
    private func tensor(_ name: String, _ values: [Float], shape: [Int]? = nil) -> CheckpointTensor {
        CheckpointTensor(
            name: name, shape: shape ?? [values.count], elementType: .f32,
            bytes: values.withUnsafeBytes { Array($0) })
    }

    private func compare(_ a: [CheckpointTensor], _ b: [CheckpointTensor]) throws -> CheckpointComparison {
        try CheckpointComparison(
            Checkpoint(path: "a", format: .safetensors, tensors: a),
            Checkpoint(path: "b", format: .torchZip, tensors: b))
    }

    @Test func alikeIsBitForBitInAnyOrder() throws {
        let a = [tensor("x", [1, .nan]), tensor("y", [0])]
        let comparison = try compare(a, a.reversed())
        #expect(comparison.isEqual)
        #expect(comparison.matched == ["x", "y"])
        // Equal numbers, other bits.
        let signed = try compare([tensor("y", [0])], [tensor("y", [-0.0])])
        #expect(signed.differing == [.init(name: "y", kind: .values(largest: 0, relative: 0, types: []))])
        #expect(!signed.isEqual)
    }

    @Test func differencesHaveFigures() throws {
        let comparison = try compare(
            [tensor("x", [3, 4]), tensor("only", [1]), tensor("s", [1, 2])],
            [tensor("s", [1, 2], shape: [2, 1]), tensor("x", [3, 4.5]), tensor("new", [1])])
        #expect(comparison.matched.isEmpty)
        #expect(comparison.missing == ["only"])
        #expect(comparison.unexpected == ["new"])
        #expect(
            comparison.differing == [
                .init(name: "x", kind: .values(largest: 0.5, relative: 0.1, types: [])),
                .init(name: "s", kind: .shapes([2], [2, 1])),
            ])
    }

    @Test func typesAreComparedByValue() throws {
        let double = CheckpointTensor(
            name: "x", shape: [1], elementType: .f64, bytes: [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
        let comparison = try compare([tensor("x", [1])], [double])
        #expect(
            comparison.differing == [.init(name: "x", kind: .values(largest: 0, relative: 0, types: [.f32, .f64]))])
    }

    @Test(arguments: [Float.infinity, .nan])
    func whatBothHaveAndIsNoNumberHidesNoDifference(_ odd: Float) throws {
        let comparison = try compare([tensor("x", [odd, 3, 4])], [tensor("x", [odd, 3, 4.5])])
        #expect(comparison.differing == [.init(name: "x", kind: .values(largest: 0.5, relative: 0.1, types: []))])
    }

    @Test(arguments: [Float.infinity, .nan])
    func whatIsNoNumberIsInfinitelyFar(_ odd: Float) throws {
        let comparison = try compare([tensor("x", [1, 2])], [tensor("x", [1, odd])])
        #expect(
            comparison.differing == [
                .init(name: "x", kind: .values(largest: .infinity, relative: .infinity, types: []))
            ])
    }
}
