import Configuration
import Faults

extension Recipe {
    /// `[test]`: a published protocol, and whatever is to be different.
    static func test(_ reader: inout Reader, trainedCrop: Int) throws(Fault) -> TestProtocol {
        let name = try choice("test.protocol", .vmzSmall, &reader) as TestProtocol.Name
        var test = TestProtocol(name, trainedCrop: trainedCrop)
        test.clips = try reader.integer("test.clips", default: test.clips, in: 0...10_000)
        test.crops = try reader.integer("test.crops", default: test.crops, in: 1...6)
        test.starts = try choice("test.starts", test.starts, &reader)
        test.stride = try reader.integer("test.stride", default: test.stride, in: 1...10_000)
        test.targetRate = try reader.real("test.target_rate", default: test.targetRate, in: 0.01...10_000)
        test.repeatsShort = try reader.boolean("test.repeat_short", default: test.repeatsShort)
        test.shortEdge = try reader.integer("test.short_edge", default: test.shortEdge, in: 0...4096)
        test.crop = try reader.integer("test.crop", default: test.crop, in: 0...4096)
        test.geometry = try choice("test.geometry", test.geometry, &reader)
        test.region = try choice("test.region", test.region, &reader)
        test.head = try choice("test.head", test.head, &reader)
        if test.head == .linear { test.softmax = .separate }
        test.softmax = try choice("test.softmax", test.softmax, &reader)
        test.aggregate = try choice("test.aggregate", test.aggregate, &reader)
        try check(test, reader)
        return test
    }

    private static func check(_ test: TestProtocol, _ reader: Reader) throws(Fault) {
        func refuse(_ key: String, _ reason: String, _ mend: String) throws(Fault) {
            throw Fault(.usage, reader.place(key), reason, mend: mend)
        }
        if test.clips == 0, test.starts != .dense {
            try refuse("test.clips", "0 clips leave no views", "choose 1 or more, or test.starts = \"dense\"")
        }
        if ![1, 3, 6].contains(test.crops) {
            try refuse("test.crops", "\(test.crops) crops are no protocol's", "choose 1, 3 or 6")
        }
        if test.region == .frame, test.crops != 1 {
            try refuse("test.region", "whole frames have no \(test.crops) crops", "set test.crops = 1")
        }
        if test.region == .frame, test.head == .linear {
            try refuse(
                "test.region", "a linear head averages over frames of any size, which no protocol does",
                "set test.head = \"convolutional\"")
        }
        if test.softmax == .joint, test.head == .linear {
            try refuse("test.softmax", "a linear head has one place", "set test.head = \"convolutional\"")
        }
        if test.shortEdge > 0, test.crop > test.shortEdge {
            try refuse(
                "test.crop", "\(test.crop) pixels do not fit into frames whose shorter side is \(test.shortEdge)",
                "raise test.short_edge, or lower the crop")
        }
    }

    private static func choice<T: RawRepresentable & CaseIterable>(
        _ key: String, _ standard: T, _ reader: inout Reader
    ) throws(Fault) -> T where T.RawValue == String {
        let text = try reader.choice(key, of: T.allCases.map(\.rawValue), default: standard.rawValue)
        return T(rawValue: text) ?? standard
    }
}
