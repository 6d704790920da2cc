import Checkpoints
import Faults
import Testing

/// What other programs wrote comes out bit for bit.
struct FormatTests {
    @Test(arguments: Fixture.all)
    func everyTensorComesOutBitForBit(_ fixture: Fixture) throws {
        let checkpoint = try Checkpoint.read(fixture.path)
        #expect(checkpoint.format == fixture.format && checkpoint.isCompressed == fixture.isCompressed)
        let found = checkpoint.tensors.map {
            Fixture.Tensor(name: $0.name, type: $0.elementType.rawValue, shape: $0.shape, bytes: $0.bytes)
        }
        // The minidb inside gzip is the one beside it.
        let expected = fixture.name == "gzip-minidb.mdl" ? Fixture.all.first { $0.name == "minidb.mdl" } : fixture
        let byName = { (a: Fixture.Tensor, b: Fixture.Tensor) in a.name < b.name }
        let isSorted = fixture.format == .safetensors
        #expect((isSorted ? found.sorted(by: byName) : found) == expected?.tensors)
        for (key, value) in fixture.metadata { #expect(checkpoint.metadata[key] == value, "\(key)") }
    }

    @Test func everyFormatAndProtocolIsThere() {
        #expect(Set(Fixture.all.map(\.format)) == Set(Checkpoint.Format.allCases))
        #expect(Fixture.all.count == 36 && Fixture.all.count(where: \.isCompressed) == 5)
    }

    /// An array of NumPy 1 on Python 2, opcode by opcode.
    @Test func theSmallestFileOfPython2IsRead() throws {
        let vector = Fixture.hexadecimal(
            "80027d71015505626c6f627371027d71035507636f6e76315f777104636e756d70792e636f72652e6d756c746961727261790a5f7265"
                + "636f6e7374727563740a7105636e756d70790a6e6461727261790a71064b008555016287527107284b014b0285636e756d70790a"
                + "64747970650a7108550266344b004b0187527109284b0355013c4e4e4e4affffffff4affffffff4b0074628955080000803f0000"
                + "0040746273732e")
        let checkpoint = try Checkpoint.read(vector, path: "zoo.pkl")
        #expect(checkpoint.format == .caffe2Pickle)
        #expect(checkpoint.tensors.map(\.name) == ["conv1_w"] && checkpoint.tensors.map(\.shape) == [[2]])
        #expect(try checkpoint.tensors[0].floats() == [1, 2])
    }
}
