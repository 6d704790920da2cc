import Checkpoints
import Faults
import Kernels
import Testing

struct CheckpointTensorTests {
    private func floats(_ type: ElementType, _ bytes: [UInt8]) throws -> [Float] {
        try CheckpointTensor(name: "w", shape: [bytes.count / type.size], elementType: type, bytes: bytes).floats()
    }

    @Test func everyKindOfNumberBecomesAFloat() throws {
        #expect(try floats(.f32, [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]) == [1, -2])
        #expect(try floats(.f16, [0, 0x3C, 0, 0xC0, 1, 0, 0, 0x7C]) == [1, -2, 0x1p-24, .infinity])
        #expect(try floats(.bf16, [0x80, 0x3F, 0, 0xC0]) == [1, -2])
        #expect(try floats(.f64, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]) == [1])
        #expect(try floats(.bool, [0, 1]) == [0, 1])
        #expect(try floats(.u8, [255]) == [255])
        #expect(try floats(.i8, [255]) == [-1])
        #expect(try floats(.u16, [255, 255]) == [65535])
        #expect(try floats(.i16, [255, 255]) == [-1])
        #expect(try floats(.u32, [0, 0, 0, 128]) == [0x1p31])
        #expect(try floats(.i32, [0, 0, 0, 128]) == [-0x1p31])
        #expect(try floats(.u64, [0, 0, 0, 0, 0, 0, 0, 128]) == [0x1p63])
        #expect(try floats(.i64, [254, 255, 255, 255, 255, 255, 255, 255]) == [-2])
    }

    /// A compute thread flushes denormals; a half that small is a normal f32 and must come through.
    @Test func smallHalvesAreExactOnAThreadThatFlushesDenormals() throws {
        let halves = try (UInt16(0)..<0x400).map { bits in
            try floats(.f16, [UInt8(bits & 0xFF), UInt8(bits >> 8)])[0]
        }
        #expect(halves == (0..<0x400).map { Float($0) * 0x1p-24 })
        var flushed: [Float] = []
        ThreadPool(threads: 1).run(1) { _ in }
        flushed = try floats(.f16, [1, 0x80, 0xFF, 0x03, 0xFF, 0x7B])
        #expect(flushed == [-0x1p-24, 0x1.ff8p-15, 65504])
        #expect(try floats(.f16, [0, 0xFE])[0].isNaN)
    }

    @Test func whatHasNoFloatIsRefused() throws {
        #expect(throws: Fault.self) { try floats(.f8e4m3, [1]) }
        let beyond = #expect(throws: Fault.self) { try floats(.f64, [0, 0, 0, 0, 0, 0, 0xF0, 0x7E]) }
        #expect(beyond?.thing == "w")
        #expect(throws: Fault.self) {
            try CheckpointTensor(name: "w", shape: [3], elementType: .f32, bytes: [0, 0, 0, 0]).floats()
        }
        #expect(try floats(.f64, [0, 0, 0, 0, 0, 0, 0xF0, 0x7F]) == [.infinity])
    }
}
