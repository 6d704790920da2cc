import Checkpoints
import Faults
import TestSupport
import Testing

/// Tensors of torch's whose sizes, strides and offsets say anything at all.
struct HostileStridesTests {
    /// A view of a storage of 24 f32, which count up from 0.
    struct View: CustomTestStringConvertible {
        var shape: [Int]
        var strides: [Int]
        var offset = 0

        var testDescription: String { "\(shape) by \(strides) from \(offset)" }

        /// What is read of a file of torch's that holds it as "w".
        func read() throws -> CheckpointTensor {
            try withTemporaryFolder { folder in
                let zip = try ZipWriter(folder + "/a.pt", alignment: 64)
                try zip.add("archive/data.pkl", pickle)
                try zip.add("archive/data/0", HostileStridesTests.bytes((0..<24).map { Float($0) }))
                try zip.finish()
                return try #require(try Checkpoint.read(folder + "/a.pt").tensors.first)
            }
        }

        /// `{"w": _rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())}`, in opcodes that are text.
        private var pickle: [UInt8] {
            func tuple(_ values: [Int]) -> String { "(" + values.map { "I\($0)\n" }.joined() + "t" }
            let storage = "(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI24\ntQ"
            let place = "I\(offset)\n" + tuple(shape) + tuple(strides)
            let hooks = "ccollections\nOrderedDict\n)R"
            return Array("}Vw\nctorch._utils\n_rebuild_tensor_v2\n(\(storage)\(place)I00\n\(hooks)tRs.".utf8)
        }
    }

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// An axis of one element is not gone along, and one of none has no elements: their strides are never taken.
    @Test(
        arguments: [
            (View(shape: [2, 1, 2], strides: [1, .max, 2], offset: 1), [1, 3, 2, 4]),
            (View(shape: [1, 2, 2], strides: [.max, 1, 2], offset: 1), [1, 3, 2, 4]),
            (View(shape: [2, 2, 1], strides: [1, 2, .max], offset: 1), [1, 3, 2, 4]),
            (View(shape: [1, 2, 1, 2, 1], strides: [.max, 1, .max, 2, .max], offset: 20), [20, 22, 21, 23]),
            (View(shape: [1], strides: [.max], offset: 23), [23]),
            (View(shape: [3, 2], strides: [0, 23]), [0, 23, 0, 23, 0, 23]),
            (View(shape: [0, .max, .max], strides: [.max, .max, .max], offset: .max), []),
        ] as [(View, [Float])])
    func stridesThatReachNothingAreHarmless(view: View, values: [Float]) throws {
        let tensor = try view.read()
        #expect(tensor.shape == view.shape)
        #expect(tensor.bytes == Self.bytes(values))
    }

    @Test(
        arguments: [
            // One element too far.
            View(shape: [24], strides: [1], offset: 1), View(shape: [2], strides: [24]),
            View(shape: [4, 4], strides: [7, 1]),
            // Beyond what an Int holds: the last element, its bytes, the number of elements, and their bytes.
            View(shape: [3], strides: [.max]), View(shape: [2, 2], strides: [.max, 1]),
            View(shape: [2], strides: [Int.max / 4]), View(shape: [1], strides: [1], offset: .max),
            View(shape: [1 << 32, 1 << 32], strides: [0, 0]), View(shape: [.max], strides: [0]),
            View(shape: [2, .max, 0], strides: [0, 0, 0]),
            // One element, as often as no memory holds it.
            View(shape: [1 << 40], strides: [0]),
            // Negative.
            View(shape: [2], strides: [-1], offset: 1), View(shape: [2, 1], strides: [1, .min]),
            View(shape: [-2], strides: [1]), View(shape: [-1, -1], strides: [1, 1]),
            View(shape: [1], strides: [1], offset: -1), View(shape: [1], strides: [1], offset: .min),
            // Another number of them.
            View(shape: [2, 2], strides: [1]), View(shape: [], strides: [1]),
            View(shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65)),
        ] as [View])
    func whatIsNotInTheStorageIsRefused(view: View) {
        let fault = #expect(throws: Fault.self) { try view.read() }
        #expect(fault?.code == .data && fault?.reason.hasPrefix("byte ") == true, "\(String(describing: fault))")
    }
}
