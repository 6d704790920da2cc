import Foundation
import Launch
import TestSupport
import Testing

@Suite("Folders for keys")
struct PrivateFolderTests {
    @Test("What a killed process left the next one takes away; what a living one has, and all else, stays")
    func left() throws {
        try withTemporaryFolder { place in
            let files = FileManager.default
            let living = try PrivateFolder(["worker.key": "secret"], in: [place])
            let prefix = String(living.path.dropLast(6))
            // As one leaves it that is killed: nobody holds its lock.
            let left = prefix + "abcdef"
            let others = [prefix + "other-abcdef", place + "/zoetrope-tend-abcdef", place + "/zoetrope-abcdef"]
            for folder in [left] + others {
                try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
                try "secret".write(toFile: folder + "/worker.key", atomically: false, encoding: .utf8)
            }
            // Whoever names its own folder so that it leads elsewhere leads nobody there.
            try files.createSymbolicLink(atPath: prefix + "linked", withDestinationPath: others[0])
            let next = try PrivateFolder(["worker.key": "another"], in: [place])
            #expect(!files.fileExists(atPath: left))
            for folder in [living.path] + others { #expect(try text(of: folder + "/worker.key") == "secret") }
            #expect(try text(of: next.path + "/worker.key") == "another")
            let attributes = try files.attributesOfItem(atPath: next.path)
            #expect(attributes[.posixPermissions] as? Int == 0o700)
            living.remove()
            next.remove()
            #expect(!files.fileExists(atPath: living.path) && !files.fileExists(atPath: next.path))
        }
    }
}
