import Checkpoints
import Faults
import Foundation
import Prediction
import TestSupport
import Testing

@Suite struct FeatureTableTests {
    private func fill(_ table: FeatureTable) throws {
        func row(_ start: Int, _ label: Int, _ values: [Float]) throws {
            try values.withUnsafeBufferPointer {
                try table.append(
                    start: start, label: label < 0 ? nil : label, videoID: label < 0 ? nil : 10 + label,
                    values: [$0.extracting(..<2), $0.extracting(2...)])
            }
        }
        table.begin(video: "a")
        try row(0, 3, [1, 2, 3])
        try row(5, 3, [4, 5, 6])
        table.begin(video: "broken")
        try row(0, 1, [7, 7, 7])
        try table.dropVideo()
        table.begin(video: "b, c")
        try row(-1, -1, [8, 9, 10])
        #expect(table.rows == 3)
        try table.finish()
    }

    private let columns = [
        FeatureTable.Column(name: "pool/avg", shape: [2]), FeatureTable.Column(name: "softmax", shape: [1]),
    ]

    @Test func safetensorsHoldRowsAndTheirKeys() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/f.safetensors"
            try fill(FeatureTable(path, .safetensors, columns: columns))
            let file = try Checkpoint.read(path)
            func tensor(_ name: String) throws -> CheckpointTensor {
                try #require(file.tensors.first { $0.name == name })
            }
            #expect(try tensor("pool/avg").shape == [3, 2])
            #expect(try tensor("pool/avg").floats() == [1, 2, 4, 5, 8, 9])
            #expect(try tensor("softmax").floats() == [3, 6, 10])
            #expect(try tensor("video").floats() == [0, 0, 1])
            #expect(try tensor("start_frame").floats() == [0, 5, -1])
            #expect(try tensor("label").floats() == [3, 3, -1])
            #expect(try tensor("video_id").floats() == [13, 13, -1])
            #expect(file.metadata["videos"] == #"["a","b, c"]"#)
        }
    }

    /// The bytes that NumPy 1.0 headers have (NEP 1): magic, version, length, a Python dictionary, data at a multiple of 64.
    @Test func npyFilesHaveNumpysHeader() throws {
        try withTemporaryFolder { folder in
            try fill(FeatureTable(folder + "/f", .npy, columns: columns))
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/f/pool_avg.npy")))
            #expect(Array(bytes[..<8]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
            let length = Int(bytes[8]) + 256 * Int(bytes[9])
            #expect((10 + length) % 64 == 0 && bytes[9 + length] == 0x0A)
            let header = String(decoding: bytes[10..<9 + length], as: UTF8.self).trimmingCharacters(in: .whitespaces)
            #expect(header == "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }")
            let values = bytes[(10 + length)...].chunked(by: 4).map {
                Float(bitPattern: $0.reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
            #expect(values == [1, 2, 4, 5, 8, 9])
            let rows = try String(contentsOfFile: folder + "/f/rows.csv", encoding: .utf8)
            #expect(rows == "row,video,start_frame,label,video_id\n0,a,0,3,13\n1,a,5,3,13\n2,\"b, c\",-1,-1,-1\n")
        }
    }

    @Test func columnsOfOneNameAreRefused() throws {
        try withTemporaryFolder { folder in
            #expect(throws: Fault.self) {
                try FeatureTable(
                    folder + "/x", .npy, columns: [.init(name: "a/b", shape: [1]), .init(name: "a_b", shape: [1])])
            }
            #expect(throws: Fault.self) {
                try FeatureTable(folder + "/x", .safetensors, columns: [.init(name: "label", shape: [1])])
            }
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func chunked(by size: Int) -> [ArraySlice<UInt8>] {
        stride(from: startIndex, to: endIndex, by: size).map { self[$0..<Swift.min($0 + size, endIndex)] }
    }
}
