import Evaluation
import Faults
import Foundation
import Storage
import TestSupport
import Testing

@Suite struct TestJournalTests {
    private let test = Digest(of: Array("a test".utf8))
    private let outcomes = [
        VideoOutcome(scores: [0.25, -0.0, .leastNonzeroMagnitude], views: 30, rightViews: 7),
        VideoOutcome(problem: "has 3 frames\nand no more"),
        VideoOutcome(scores: [1 / 3, 2 / 3, 0], views: 30, rightViews: 0),
    ]

    private func open(_ folder: String, of test: Digest? = nil, videos: Int = 10, classes: Int = 3) throws
        -> TestJournal
    {
        try TestJournal(folder, of: test ?? self.test, videos: videos, classes: classes, holder: "a test")
    }

    @Test func outcomesComeBackToTheBit() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/outcomes"
            do {
                let first = try open(path)
                #expect(first.known.isEmpty && !first.replacedAnother)
                for (video, outcome) in zip([4, 0, 9], outcomes) { try first.add(outcome, of: video) }
            }
            let again = try open(path)
            #expect(again.known == [4: outcomes[0], 0: outcomes[1], 9: outcomes[2]] && !again.replacedAnother)
            #expect(again.known[4]?.scores[1].sign == .minus)
            try again.remove()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func anotherTestBeginsAnew() throws {
        try withTemporaryFolder { folder in
            try open(folder).add(outcomes[0], of: 1)
            let other = Digest(of: Array("another".utf8))
            do {
                let journal = try open(folder, of: other)
                #expect(journal.known.isEmpty && journal.replacedAnother)
                try journal.add(outcomes[2], of: 2)
            }
            let journal = try open(folder, of: other)
            #expect(journal.known == [2: outcomes[2]] && !journal.replacedAnother)
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try withTemporaryFolder { folder in
            do {
                let journal = try open(folder)
                #expect(throws: Fault.self, "somebody has it") { try open(folder) }
                try journal.add(outcomes[0], of: 5)
            }
            #expect(throws: Fault.self, "there is no such video") { try open(folder, videos: 5) }
            #expect(throws: Fault.self, "so many classes it has not") { try open(folder, classes: 4) }
            #expect(try open(folder).known.count == 1)
        }
    }

    /// As a crash in the middle of a write leaves it.
    @Test func aTornEndIsCutOff() throws {
        try withTemporaryFolder { folder in
            do {
                let journal = try open(folder)
                try journal.add(outcomes[0], of: 5)
                try journal.add(outcomes[2], of: 6)
            }
            let segments = try FileManager.default.contentsOfDirectory(atPath: folder + "/log")
            let path = folder + "/log/" + (try #require(segments.first))
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for length in stride(from: bytes.count - 1, through: bytes.count - 40, by: -1) {
                try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
                #expect(try open(folder).known == [5: outcomes[0]], "\(length) of \(bytes.count) bytes")
            }
        }
    }
}
