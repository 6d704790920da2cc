import Checkpoints
import Faults
import Glibc
import Randomness
import Storage
import TestSupport
import Testing

struct SafetensorsTests {
    private func saved(_ bytes: [UInt8], in folder: String) throws -> String {
        try writeWhole(bytes, to: folder + "/a")
        return folder + "/a"
    }

    private static func bytes(_ json: String, _ data: [UInt8]) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: json.utf8.count >> (8 * $0)) } + Array(json.utf8) + data
    }

    @Test func writesTheReferenceVector() throws {
        try withTemporaryFolder { folder in
            let writer = try SafetensorsWriter(
                "\(folder)/a", tensors: [StoredTensor(name: "w", type: .f32, shape: [2])])
            try writer.write("w", [1, 2])
            try writer.finish()
            let expected = Self.bytes(
                #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  "#, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
            #expect(try readWhole("\(folder)/a") == expected)
            #expect(expected.prefix(8) == [0x38, 0, 0, 0, 0, 0, 0, 0])
        }
    }

    @Test func piecesInAnyOrderComeBack() throws {
        try withTemporaryFolder { folder in
            let odd = "a \"name\"\\ with\n\u{1}é"
            let path = "\(folder)/a"
            let tensors = [
                StoredTensor(name: "z", type: .f32, shape: [3, 2]), StoredTensor(name: odd, type: .i64, shape: []),
                StoredTensor(name: "none", type: .f32, shape: [0, 4]), StoredTensor(name: "y", type: .u8, shape: [3]),
            ]
            let writer = try SafetensorsWriter(path, tensors: tensors, metadata: ["step": "7", "q\"": "\t"])
            let values: [Float] = [0, 1, 2, 3, 4, 5]
            try values.withUnsafeBytes { all in
                try writer.write("z", at: 16, UnsafeRawBufferPointer(rebasing: all[16...]))
                try writer.write("z", UnsafeRawBufferPointer(rebasing: all[..<16]))
            }
            try [UInt8](repeating: 9, count: 3).withUnsafeBytes { try writer.write("y", $0) }
            #expect(throws: Fault.self) { try writer.finish() }
            #expect(access(path, F_OK) != 0, "an unfinished file must not appear")
            try [Int64](arrayLiteral: -5).withUnsafeBytes { try writer.write(odd, $0) }
            try writer.finish()

            let file = try SafetensorsFile(path)
            #expect(file.metadata == ["step": "7", "q\"": "\t"])
            #expect(file.tensors.map(\.name) == [odd, "none", "z", "y"])
            #expect(try file.floats("z", shape: [3, 2]) == values)
            #expect(try file.integers(odd) == [-5])
            #expect(try file.floats("none") == [])
            #expect(file.header.byteCount % 8 == 0)
            let fault = #expect(throws: Fault.self) { try file.floats("z", shape: [2, 3]) }
            #expect(fault?.mend == "is it a checkpoint of another model?")
            #expect(throws: Fault.self) { try file.floats("y") }
            #expect(throws: Fault.self) { try file.floats("zz") }
        }
    }

    @Test func readsWhatOthersWrite() throws {
        try withTemporaryFolder { folder in
            let json =
                #" { "b" : {"shape":[1],"data_offsets":[4, 8],"dtype":"F32"}, "__metadata__":{"format":"pt"},"#
                + #""\u0061\ud83d\ude00":{"dtype":"F32","shape":[],"data_offsets":[0,4]} }   "#
            let path = try saved(
                Self.bytes(String(json.dropFirst()), [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]), in: folder)
            let file = try SafetensorsFile(path)
            #expect(try file.floats("a😀") == [1])
            #expect(try file.floats("b") == [2])
        }
    }

    @Test(arguments: [
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,  // shape and bytes disagree
        #"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,  // beyond the file
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,  // a hole before it
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,  // bytes left over
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        #"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[4611686018427387904,4,2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F4","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#,
        #"{"w":{"dtype":"F32","shape":[2]}}"#, #"{"w":[[[[[[[[]]]]]]]]}"#, #"{"w":"#, #"{"w"#, "{", "", "[]", "null",
        #"{"__metadata__":{"a":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"__metadata__":{"a":"1","a":"2"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w\ud83d":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w\u12":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}x"#,
    ])
    func refusesWithAFaultThatNamesTheFile(_ json: String) throws {
        try withTemporaryFolder { folder in
            let path = try saved(Self.bytes(json, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]), in: folder)
            let fault = #expect(throws: Fault.self) { try SafetensorsFile(path) }
            #expect(fault?.code == .data)
            #expect(fault?.thing == path)
        }
    }

    @Test func claimedLengthsAreCheckedFirst() throws {
        try withTemporaryFolder { folder in
            for length in [UInt64.max, 1 << 62, 100_000_001, 9] {
                let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
                #expect(throws: Fault.self) { try SafetensorsFile(saved(prefix + Array("{}      ".utf8), in: folder)) }
            }
            #expect(throws: Fault.self) { try SafetensorsFile(saved([1, 2, 3], in: folder)) }
            #expect(throws: Fault.self) { try SafetensorsFile("\(folder)/missing") }
        }
    }

    /// Flipped, cut and doubled bytes of a good file: a fault or a file that holds together, never a crash.
    @Test(arguments: [UInt64(1), 2, 3])
    func damagedFilesNeverCrash(seed: UInt64) throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/b"
            let writer = try SafetensorsWriter(
                path, tensors: (0..<4).map { StoredTensor(name: "tensor\($0)", type: .f32, shape: [$0, 2]) },
                metadata: ["format": "pt"])
            for i in 0..<4 { try writer.write("tensor\(i)", [Float](repeating: 1, count: 2 * i)) }
            try writer.finish()
            let good = try readWhole(path)
            var refused = 0
            for round in 0..<400 {
                let draws = Draws(seed: seed, place: UInt64(round), purpose: .simulation)
                var bad = good
                for change in 0...draws.integer(0, below: 3) {
                    let at = draws.integer(4 * change + 1, below: bad.count)
                    switch draws.integer(4 * change + 2, below: 4) {
                    case 0: bad[at] = UInt8(truncatingIfNeeded: draws.word(4 * change + 3))
                    case 1: bad[at] ^= 1 << UInt8(draws.integer(4 * change + 3, below: 8))
                    case 2: bad.removeSubrange(at...)
                    default: bad.insert(bad[at], at: at)
                    }
                    if bad.isEmpty { break }
                }
                do {
                    let file = try SafetensorsFile(saved(bad, in: folder))
                    for tensor in file.tensors where tensor.type == .f32 { _ = try file.floats(tensor.name) }
                } catch {
                    #expect(error is Fault, "seed \(seed), round \(round)")
                    refused += 1
                }
            }
            #expect(refused > 100, "seed \(seed)")
        }
    }
}
