import Faults
import Testing
import Wire

struct Caffe2RecordTests {
    /// By hand from the field numbers: name "w", type "Tensor", a tensor of dims 1 and 2, FLOAT, packed [1, -0.0].
    private let vector: [UInt8] =
        [0x0A, 1, 0x77, 0x12, 6] + Array("Tensor".utf8)
        + [0x1A, 16, 0x08, 1, 0x08, 2, 0x10, 1, 0x1A, 8, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x80]

    private func decode(_ bytes: [UInt8]) throws -> Caffe2Blob {
        try bytes.withUnsafeBytes { raw throws(Fault) in try Caffe2Blob(decoding: raw) }
    }

    @Test func theFieldsAreWhereCaffe2PutsThem() throws {
        let blob = try decode(vector)
        #expect(blob.name == "w" && blob.type == "Tensor")
        let tensor = try #require(blob.tensor)
        #expect(tensor.dims == [1, 2] && tensor.dataType == Caffe2Tensor.DataType.float.rawValue)
        #expect(tensor.floats.map(\.bitPattern) == [0x3F80_0000, 0x8000_0000])
        #expect(blob.encoded() == vector)
    }

    @Test func everyFieldComesBack() throws {
        let tensor = Caffe2Tensor(
            dims: [7, 1 << 40], dataType: 99, floats: [.nan, 1], integers: [-1], longs: [.min],
            doubles: [-0.0, .infinity],
            bytes: [1, 0], rawBytes: [0], strings: [[], [255]], segment: (5, 6), dataFormat: 1)
        let blob = Caffe2Blob(name: "é", type: "", tensor: tensor, content: [3])
        let back = try decode(blob.encoded())
        #expect(back.encoded() == blob.encoded())
        #expect(back.tensor?.segment?.end == 6 && back.tensor?.doubles.last == .infinity)
        #expect(back.name == blob.name && back.tensor?.strings == tensor.strings)
        let unpacked = try decode([0x1A, 10, 0x1D, 0, 0, 0x80, 0x3F, 0x1D, 0, 0, 0, 0x40])
        #expect(unpacked.tensor?.floats == [1, 2])
        #expect(unpacked.tensor?.dataType == Caffe2Tensor.DataType.float.rawValue)
    }

    @Test func whatIsNoRecordIsAFault() {
        for end in 1..<vector.count where end != 3 && end != 11 {
            #expect(throws: Fault.self, "cut at \(end)") { try decode(Array(vector[..<end])) }
        }
        // An empty tensor costs two bytes, and its C struct many: as many as a megabyte holds are too many.
        let many = [UInt8](repeating: 0x08, count: 1 << 20)
        #expect(throws: Fault.self) { try decode([0x1A, 0x80, 0x80, 0x40] + many) }
    }
}
