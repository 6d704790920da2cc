import Foundation
import Storage
import TestSupport
import Testing

/// The data commands of docs/from-vmz.md and docs/from-slowfast.md, as they stand there, on small data.
@Suite("Documents for users of VMZ and PySlowFast", .serialized, .timeLimit(.minutes(3)))
struct SeedDocumentTests {
    /// The commands in the document's blocks of shell.
    private func shell(_ document: String) throws -> [[String]] {
        let parts = try text(of: sourceTree + "/docs/" + document).components(separatedBy: "```")
        // Every second part stands between fences, and begins with the name of its language.
        let blocks = stride(from: 1, to: parts.count, by: 2).map { parts[$0] }.filter { $0.hasPrefix("sh\n") }
        return blocks.flatMap { commands(in: $0) }
    }

    /// Runs them all in a folder that has what the documents take as given.
    /// - Returns: the folder.
    private func follow(_ document: String, _ published: PublishedVideos) throws -> String {
        let work = published.folder
        // As video-nonlocal-net publishes it: names with a blank have quotes inside.
        try writeWhole(#"{"\"moving left\"": 0, "\"moving right\"": 1}"#, to: work + "/classids.json")
        let steps = try shell(document)
        #expect(steps.count >= 8 && steps.allSatisfy { $0.first == "data" }, "\(document): \(steps)")
        for step in steps {
            var words = step
            if step[1] == "download" { words += ["--mirror", published.mirror] }
            // Small pictures take a tenth of the time.
            if let size = words.firstIndex(of: "--short-side") { words[size + 1] = "32" }
            if words.contains("--profile"), !words.contains("--short-side") { words += ["--short-side", "32"] }
            let ended = try Command.run(words, in: work)
            #expect(ended.code == 0, "\(document): zoetrope \(words.joined(separator: " ")): \(ended.errors)")
        }
        return work
    }

    /// A split as `data info` tells it.
    private func split(_ name: String, of set: String, in work: String) throws -> [String: Any] {
        let info = try Command.run(["data", "info", set, "--json"], in: work)
        #expect(info.json["classes"] as? [String] == ["moving left", "moving right"], "\(info.output)")
        return try #require((info.json["splits"] as? [String: Any])?[name] as? [String: Any], "\(info.output)")
    }

    @Test func fromVMZ() throws {
        let published = try PublishedVideos(blank: false)
        let work = try follow("from-vmz.md", published)
        let header = try text(of: work + "/lists/train.csv").split(separator: "\n").first
        #expect(header == "org_video,label,start_frm,video_id")
        #expect(try split("train", of: "DATA", in: work)["clips"] as? Int == PublishedVideos.sound["train"])
        let val = try split("val", of: "DATA", in: work)
        let again = try split("val", of: "DATA2", in: work)
        #expect(val["heights"] as? [Int] == [32, 32])
        #expect(val["sha256"] as? String == again["sha256"] as? String && val["sha256"] is String)
    }

    @Test func fromSlowFast() throws {
        let published = try PublishedVideos(blank: false)
        let work = try follow("from-slowfast.md", published)
        let lines = try text(of: work + "/slowfast/train.csv").split(separator: "\n")
        #expect(
            lines.count == 18
                && lines.allSatisfy { $0.hasPrefix("/") && ($0.hasSuffix(".mp4 0") || $0.hasSuffix(".mp4 1")) })
        #expect(try split("train", of: "DATA", in: work)["clips"] as? Int == PublishedVideos.sound["train"])
        let val = try split("val", of: "DATA2", in: work)
        #expect(val["clips"] as? Int == PublishedVideos.sound["val"] && val["heights"] as? [Int] == [48, 48])
    }
}
