import Checkpoints
import Faults
import Foundation
import Storage
import TestSupport
import Testing

/// What is written is what the real libraries read. `Tests/Fixtures/checkpoints/digests` holds the SHA-256 of what each
/// writer makes of `every-type.safetensors`; `make test-peers` reads those very files with torch, NumPy and safetensors and
/// compares every bit.
struct CheckpointWriterTests {
    static let fixtures = sourceTree + "/Tests/Fixtures/checkpoints"

    private static func everyType() throws -> Checkpoint {
        try Checkpoint.read(fixtures + "/every-type.safetensors")
    }

    private static func recordedDigests() throws -> [String: String] {
        let lines = try text(of: fixtures + "/digests").split(separator: "\n").filter { !$0.hasPrefix("#") }
        return Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let fields = line.split(separator: " ")
                return (String(fields[0]), String(fields[1]))
            })
    }

    @Test(arguments: Checkpoint.Format.allCases)
    func bytesAreThoseThatTheRealLibrariesRead(_ format: Checkpoint.Format) throws {
        let checkpoint = try Self.everyType()
        #expect(checkpoint.tensors.count == 11)
        try withTemporaryFolder { folder in
            try checkpoint.write(to: folder + "/a", as: format)
            try checkpoint.write(to: folder + "/b.other", as: format)
            let digest = try fileDigest(folder + "/a")
            let other = try fileDigest(folder + "/b.other")
            #expect(other == digest, "the name of a file must not be in it")
            let recorded = try Self.recordedDigests()[format.rawValue]
            #expect(recorded == digest.description)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a", "b.other"])
        }
    }

    /// Every reader with every writer: nothing of a tensor changes on the way through two formats.
    @Test(arguments: Checkpoint.Format.allCases)
    func roundTripsKeepEveryBit(_ first: Checkpoint.Format) throws {
        var original = try Self.everyType()
        // More than a pickler's batch, and a name that is no ASCII.
        original.tensors.append(
            CheckpointTensor(name: "größer.weight", shape: [1], elementType: .f32, bytes: [1, 2, 3, 4]))
        // Names of what training keeps beside a network.
        original.tensors += ["optimal.weight", "scaler", "my_scheduler"].map {
            CheckpointTensor(name: $0, shape: [1], elementType: .u8, bytes: [1])
        }
        original.tensors += (0..<1001).map {
            CheckpointTensor(name: "many.\($0)", shape: [1], elementType: .u8, bytes: [UInt8($0 & 255)])
        }
        let expected = Self.byName(original)
        try withTemporaryFolder { folder in
            try original.write(to: folder + "/first", as: first)
            let once = try Checkpoint.read(folder + "/first")
            #expect(once.format == first)
            let isSame = Self.byName(once) == expected
            #expect(isSame)
            if first != .safetensors {
                let sameOrder = once.tensors == original.tensors
                #expect(sameOrder)
            }
            for second in Checkpoint.Format.allCases {
                try once.write(to: folder + "/second", as: second)
                let twice = try Checkpoint.read(folder + "/second")
                #expect(twice.format == second)
                let isSame = Self.byName(twice) == expected
                #expect(isSame, "\(first) to \(second)")
                #expect(twice.tensors.count == original.tensors.count)
            }
        }
    }

    private static func byName(_ checkpoint: Checkpoint) -> [String: CheckpointTensor] {
        Dictionary(checkpoint.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What cPickle 2.7 and NumPy 1.16 make of {'blobs': {'conv1_w': array([[1, 2]], 'f4')}}.
    @Test func aPickleIsPython2s() throws {
        let vector =
            "80027d71015505626c6f627371027d71035507636f6e76315f777104"
            + "636e756d70792e636f72652e6d756c746961727261790a5f7265636f6e7374727563740a7105"
            + "636e756d70790a6e6461727261790a71064b008555016287527107284b014b014b0286"
            + "636e756d70790a64747970650a7108550266344b004b0187527109284b0355013c4e4e4e4affffffff4affffffff4b007462"
            + "8955080000803f00000040746273732e"
        let checkpoint = Checkpoint(
            path: "", format: .safetensors,
            tensors: [
                CheckpointTensor(
                    name: "conv1_w", shape: [1, 2], elementType: .f32, bytes: [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
            ])
        try withTemporaryFolder { folder in
            try checkpoint.write(to: folder + "/a", as: .caffe2Pickle)
            let written = try readWhole(folder + "/a")
            #expect(Self.hexadecimal(written) == vector)
        }
    }

    /// Caffe2 cuts tensors after a million elements; the second chunk's record is the one that Caffe2 1.4 saves.
    @Test func aMinidbHasChunks() throws {
        let bytes = [UInt8](repeating: 0, count: 4_000_000) + [0, 0x24, 0x74, 0x49]  // 1e6
        let checkpoint = Checkpoint(
            path: "", format: .safetensors,
            tensors: [CheckpointTensor(name: "big", shape: [1_000_001], elementType: .f32, bytes: bytes)])
        let last =
            "0c0000003a000000" + "6770755f302f626967232531"
            + "0a096770755f302f626967120654656e736f721a2508c1843d10011a04002474493a096770755f302f626967420208005a0808"
            + "c0843d10c1843d"
        try withTemporaryFolder { folder in
            try checkpoint.write(to: folder + "/a", as: .caffe2Minidb)
            let written = try readWhole(folder + "/a")
            #expect(Self.hexadecimal(written.suffix(last.count / 2)) == last)
            let back = try Checkpoint.read(folder + "/a")
            #expect(back.tensors == checkpoint.tensors)
        }
    }

    @Test func aTorchFileCanBeMapped() throws {
        try withTemporaryFolder { folder in
            try Self.everyType().write(to: folder + "/a", as: .torchZip)
            let bytes = try readWhole(folder + "/a")
            // The first element of i64's storage, which is 7, stands at a multiple of 64.
            let seven = [7] + [UInt8](repeating: 0, count: 7)
            let places = stride(from: 0, to: bytes.count - 8, by: 64).filter { Array(bytes[$0..<$0 + 8]) == seven }
            #expect(places.count == 1)
        }
    }

    @Test func aKeyPutsADictionaryAround() throws {
        try withTemporaryFolder { folder in
            let checkpoint = try Self.everyType()
            for format in [Checkpoint.Format.torchZip, .torchLegacy] {
                try checkpoint.write(to: folder + "/a", as: format, options: .init(key: "model_state"))
                let bytes = try readWhole(folder + "/a")
                #expect(String(decoding: bytes, as: UTF8.self).contains("model_state"))
                let back = try Checkpoint.read(folder + "/a")
                #expect(back.tensors == checkpoint.tensors)
            }
            for format in [Checkpoint.Format.safetensors, .caffe2Pickle, .caffe2Minidb] {
                let fault = #expect(throws: Fault.self) {
                    try checkpoint.write(to: folder + "/b", as: format, options: .init(key: "model_state"))
                }
                #expect(fault?.code == .usage)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test(arguments: [
        (ElementType.bf16, [Checkpoint.Format.caffe2Pickle, .caffe2Minidb]),
        (.u16, [.torchZip, .torchLegacy]),
        (.u32, [.torchZip, .torchLegacy, .caffe2Minidb]),
        (.f8e4m3, [.torchZip, .torchLegacy, .caffe2Minidb, .caffe2Pickle]),
    ])
    func whatAFormatCannotHoldIsRefused(_ type: ElementType, _ formats: [Checkpoint.Format]) throws {
        let tensor = CheckpointTensor(
            name: "odd", shape: [2], elementType: type, bytes: [UInt8](repeating: 1, count: 2 * type.size))
        let checkpoint = Checkpoint(path: "", format: .safetensors, tensors: [tensor])
        try withTemporaryFolder { folder in
            for format in Checkpoint.Format.allCases {
                let path = folder + "/" + format.rawValue
                guard formats.contains(format) else {
                    try checkpoint.write(to: path, as: format)
                    continue
                }
                let fault = #expect(throws: Fault.self) { try checkpoint.write(to: path, as: format) }
                #expect(fault?.code == .usage)
                #expect(fault?.reason.contains("'odd'") == true)
                #expect(fault?.mend.isEmpty == false)
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.count == Checkpoint.Format.allCases.count - formats.count, "\(left)")
        }
    }

    @Test func namesBeyondLatin1AreNoPythonTwoStrings() throws {
        let tensor = CheckpointTensor(name: "重み", shape: [], elementType: .u8, bytes: [1])
        try withTemporaryFolder { folder in
            let fault = #expect(throws: Fault.self) {
                try Checkpoint(path: "", format: .safetensors, tensors: [tensor]).write(
                    to: folder + "/a", as: .caffe2Pickle)
            }
            #expect(fault?.code == .usage)
        }
    }

    @Test func whatIsNoCheckpointIsRefused() throws {
        let one = CheckpointTensor(name: "a", shape: [1], elementType: .f32, bytes: [0, 0, 0, 0])
        let short = CheckpointTensor(name: "b", shape: [2], elementType: .f32, bytes: [0, 0, 0, 0])
        let scoped = CheckpointTensor(name: "x/a", shape: [1], elementType: .f32, bytes: [0, 0, 0, 0])
        try withTemporaryFolder { folder in
            for format in Checkpoint.Format.allCases {
                for tensors in [[one, one], [one, short]] {
                    let checkpoint = Checkpoint(path: "", format: .safetensors, tensors: tensors)
                    let fault = #expect(throws: Fault.self) { try checkpoint.write(to: folder + "/a", as: format) }
                    #expect(fault?.code == .data)
                }
            }
            let checkpoint = Checkpoint(path: "", format: .safetensors, tensors: [scoped])
            #expect(throws: Fault.self) { try checkpoint.write(to: folder + "/a", as: .caffe2Minidb) }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func aTensorOfTheMetadatasNameIsRefused() throws {
        let checkpoint = Checkpoint(
            path: "", format: .caffe2Pickle,
            tensors: [CheckpointTensor(name: "__metadata__", shape: [1], elementType: .u8, bytes: [1])])
        try withTemporaryFolder { folder in
            let fault = #expect(throws: Fault.self) { try checkpoint.write(to: folder + "/a", as: .safetensors) }
            #expect(fault?.code == .usage && fault?.reason.contains("'__metadata__'") == true)
            try checkpoint.write(to: folder + "/a", as: .torchZip)
            let back = try Checkpoint.read(folder + "/a")
            #expect(back.tensors == checkpoint.tensors)
        }
    }

    /// Without elements, so that no byte contradicts them; their strides leave `Int`.
    @Test(arguments: Checkpoint.Format.allCases)
    func dimensionsThatNoNumberHoldsAreRefused(_ format: Checkpoint.Format) throws {
        let tensor = CheckpointTensor(name: "w", shape: [0, 1 << 62, 1 << 62], elementType: .f32, bytes: [])
        try withTemporaryFolder { folder in
            let checkpoint = Checkpoint(path: "", format: .torchZip, tensors: [tensor])
            let fault = #expect(throws: Fault.self) { try checkpoint.write(to: folder + "/a", as: format) }
            #expect(fault?.code == .data && fault?.reason.contains("'w'") == true)
        }
    }

    /// Large files have their numbers in ZIP64 records; here all numbers are. Python's zipfile finds no fault with these
    /// bytes (`python3 -m zipfile -t`).
    @Test func theNumbersOfALargeZipHave64Bits() throws {
        try withTemporaryFolder { folder in
            let zip = try ZipWriter(folder + "/a", alignment: 64, largest: 0)
            try zip.add("archive/data.pkl", [1, 2, 3])
            try zip.add("archive/data/0", [UInt8](repeating: 7, count: 100))
            try zip.finish()
            let digest = try fileDigest(folder + "/a").description
            #expect(digest == "82fe7bdaf29f672a3254cd0a189023ee6a71de994e75e1812aa97e8ee7383922")
            let bytes = try readWhole(folder + "/a")
            #expect(Self.hexadecimal(bytes[18..<26]) == "ffffffffffffffff")
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }
}
