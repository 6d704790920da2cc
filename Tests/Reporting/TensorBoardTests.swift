import Foundation
import Reporting
import TestSupport
import Testing
import Wire

@Suite struct TensorBoardTests {
    /// Bytes that the real TensorBoard wrote.
    @Test func recordsAreTheRealOnes() {
        let first = TensorBoardEvent(time: 1_700_000_000, .fileVersion)
        #expect(
            hexadecimal(EventFile.record(first.encoded()))
                == "1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d")
        let loss = TensorBoardEvent(time: 1_700_000_000, step: 1, .values([.init("loss", .scalar(0.5))]))
        #expect(
            hexadecimal(EventFile.record(loss.encoded()))
                == "1a00000000000000129bd82d0900000040fc54d94110012a0d0a0b0a046c6f7373150000003f8db02e39")
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func aFileBeginsWithItsVersionAndGrows() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/zoetrope-events-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try EventFile(folder: folder, time: 12, host: "h", suffix: "1.2")
        #expect(file.path == folder + "/events.out.tfevents.0000000012.h.1.2")
        #expect(file.append(TensorBoardEvent(time: 13, step: 1, .values([.init("loss", .scalar(1))]))))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path)))
        let first = EventFile.record(TensorBoardEvent(time: 12, .fileVersion).encoded())
        #expect(bytes.starts(with: first) && bytes.count > first.count)
    }

    @Test func whatFilesTellOfATagIsFound() throws {
        try withTemporaryFolder { folder in
            let picture = TensorBoardValue("clip", .picture(width: 9, height: 9, [UInt8](repeating: 7, count: 5000)))
            var path = ""
            for (number, steps) in [[0, 1, 2], [2, 3]].enumerated() {
                let file = try EventFile(folder: folder, time: Double(10 + number), host: "h", suffix: "1.\(number)")
                path = file.path
                for step in steps {
                    file.append(TensorBoardEvent(time: 20, step: step, .values([picture])))
                    let loss = TensorBoardValue("loss", .scalar(.nan))
                    file.append(TensorBoardEvent(time: 20, step: step, .values([.init("speed", .scalar(1)), loss])))
                    file.append(TensorBoardEvent(time: 20, step: step + 7, .values([.init("accuracy", .scalar(1))])))
                }
            }
            // Half a record, as a crash leaves it, and what is no file of events.
            let torn = EventFile.record(
                TensorBoardEvent(time: 20, step: 4, .values([.init("loss", .scalar(1))])).encoded())
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: torn.prefix(20))
            try handle.close()
            try Data("loss".utf8).write(to: URL(fileURLWithPath: folder + "/notes"))
            #expect(try EventFile.steps(of: "loss", in: folder) == [0, 1, 2, 2, 3])
            #expect(try EventFile.steps(of: "accuracy", in: folder) == [7, 8, 9, 9, 10])
            #expect(try EventFile.steps(of: "clip", in: folder) == [])
        }
    }

    @Test func histogramsCountEveryFiniteValueOnce() throws {
        let values: [Float] = [0, 1, 1, 2, 4, .nan, .infinity]
        let histogram = try #require(TensorBoardHistogram(of: values, buckets: 4))
        #expect(histogram.least == 0 && histogram.greatest == 4 && histogram.count == 5)
        #expect(histogram.sum == 8 && histogram.sumOfSquares == 22)
        // An empty bucket has the left edge; the greatest value is in the last one.
        #expect(histogram.edges == [0, 1, 2, 3, 4])
        #expect(histogram.counts == [0, 1, 2, 1, 1])
        #expect(TensorBoardHistogram(of: [Float.nan]) == nil)
        let same = try #require(TensorBoardHistogram(of: [Float](repeating: 3, count: 7)))
        #expect(same.counts.reduce(0, +) == 7 && zip(same.edges, same.edges.dropFirst()).allSatisfy { $0 < $1 })
    }
}
