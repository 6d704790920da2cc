import Checkpoints
import Faults
import Storage
import TestSupport
import Testing

struct CheckpointTests {
    @Test func readsSafetensorsWhateverItsName() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/weights.pkl"
            let writer = try SafetensorsWriter(
                path,
                tensors: [
                    StoredTensor(name: "w", type: .f32, shape: [2, 1]),
                    StoredTensor(name: "n", type: .i64, shape: []),
                ], metadata: ["step": "7"])
            try writer.write("w", [1, 2])
            try [Int64](arrayLiteral: 5).withUnsafeBytes { try writer.write("n", $0) }
            try writer.finish()
            let checkpoint = try Checkpoint.read(path)
            #expect(checkpoint.format == .safetensors && !checkpoint.isCompressed)
            #expect(checkpoint.metadata == ["step": "7"])
            #expect(checkpoint.tensors.map(\.name) == ["n", "w"])
            #expect(checkpoint.tensors.map(\.shape) == [[], [2, 1]])
            #expect(try checkpoint.tensors.map { try $0.floats() } == [[5], [1, 2]])
        }
    }

    @Test func anythingElseIsRefusedWithFileAndByte() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/model.safetensors"
            try writeWhole("<!DOCTYPE html>", to: path)
            let fault = #expect(throws: Fault.self) { try Checkpoint.read(path) }
            #expect(fault?.code == .data && fault?.thing == path)
            #expect(fault?.reason.hasPrefix("byte 0: ") == true && fault?.mend.isEmpty == false)
        }
    }
}
