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

    /// `{'weights': [array([97], 'u1'), array([98], 'u1')]}` in protocol 0: under a wrapper's name, and none.
    @Test func aListUnderTheNameOfAWrapperIsNone() throws {
        func array(_ element: String) -> String {
            let type = "cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
            let empty = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
            return empty + "(I1\n(I1\nt\(type)I00\nS'\(element)'\ntb"
        }
        let pickle = "(dS'weights'\n(l\(array("a"))a\(array("b"))as."
        let checkpoint = try Checkpoint.read(Array(pickle.utf8), path: "a.pkl")
        #expect(checkpoint.tensors.map(\.name) == ["weights.0", "weights.1"])
        #expect(checkpoint.tensors.map(\.bytes) == [[97], [98]])
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
