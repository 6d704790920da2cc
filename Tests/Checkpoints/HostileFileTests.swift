import Checkpoints
import Faults
import Glibc
import Storage
import Testing

/// Files made to break a reader, from `Fixtures/`: each is refused for its own reason.
struct HostileFileTests {
    @Test(arguments: Fixture.refused.map(\.name))
    func isRefusedWithFileByteReasonAndMend(_ name: String) throws {
        let reason = try #require(Fixture.refused.first { $0.name == name }?.reason)
        let path = Fixture.folder + name
        let fault = #expect(throws: Fault.self) { try Checkpoint.read(path) }
        #expect(fault?.code == .data && fault?.thing == path)
        #expect(fault?.reason.hasPrefix("byte ") == true, "\(String(describing: fault))")
        #expect(fault?.reason.contains(reason) == true, "\(String(describing: fault))")
        #expect(fault?.mend.isEmpty == false)
    }

    /// Of safetensors: dimensions whose product no number holds, though there is no element, and too many of them.
    @Test(arguments: [
        ("0,4611686018427387904,4611686018427387904", 0),
        ([String](repeating: "1", count: 65).joined(separator: ","), 1),
    ])
    func shapesThatNoTensorHasAreRefused(_ shape: String, bytes: Int) {
        let json = Array(#"{"w":{"dtype":"U8","shape":[\#(shape)],"data_offsets":[0,\#(bytes)]}}"#.utf8)
        let length = [UInt8(json.count)] + [UInt8](repeating: 0, count: 7)
        let fault = #expect(throws: Fault.self) {
            try Checkpoint.read(length + json + [UInt8](repeating: 1, count: bytes), path: "a")
        }
        #expect(fault?.code == .data && fault?.thing == "a", "\(String(describing: fault))")
        #expect(fault?.reason.contains("'w'") == true, "\(String(describing: fault))")
    }

    @Test func nothingIsExecuted() throws {
        #expect(Fixture.refused.count > 80, "refused.tsv is missing")
        unlink("/tmp/hostile")
        let checkpoint = try Checkpoint.read(Fixture.folder + "caffe2-hostile-calls.pkl")
        #expect(checkpoint.tensors.map(\.name) == ["w"])
        #expect(throws: Fault.self) { try Checkpoint.read(Fixture.folder + "caffe2-refused-call.pkl") }
        #expect(!pathExists("/tmp/hostile"))
    }

    /// Each file cut after each byte: a fault, or what it was when only the end of a format without one is missing.
    @Test(arguments: Fixture.all.map(\.path))
    func cutAtAnyByteItIsRefused(_ path: String) throws {
        let whole = try readWhole(path)
        let names = try Checkpoint.read(path).tensors.map(\.name)
        for end in 0..<whole.count {
            do throws(Fault) {
                let cut = try Checkpoint.read(Array(whole[..<end]), path: "cut")
                // A minidb has no end: cut between two records it is a shorter one. Gzip may end in padding.
                let isShorter = cut.format == .caffe2Minidb && names.starts(with: cut.tensors.map(\.name))
                let isPadding = whole[end...].allSatisfy { $0 == 0 } && cut.tensors.map(\.name) == names
                #expect(isShorter || isPadding, "\(path) cut at \(end)")
            } catch {
                #expect(error.code == .data && error.thing == "cut" && error.reason.contains("byte"), "\(error)")
            }
        }
    }
}
