import ArgumentParser
import Clips
import Curation
import Faults
import Foundation
import Reporting
import Storage
import Training
import Worker

extension DataCommand {
    /// `zoetrope data browse`: clips as the network sees them.
    struct Browse: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show clips as a recipe's network sees them: scaled, cropped, mirrored.",
            discussion: """
                Of the split train the clips are those of the stream that training with this recipe and seed draws, from \
                --position on; of the others the first of the clips that a test takes of each video, spread over the set. \
                One file: a page with the pictures inside (NAME.html), or one picture with a row for each clip (NAME.png).
                """)
        @Argument(help: "The data set's folder.")
        var data: String
        @Argument(help: "A recipe, and key=value for whatever is to be different.")
        var recipe: [String]
        @Option(help: "train, val or test.")
        var split = "train"
        @Option(help: "How many clips.")
        var clips = 24
        @Option(help: "The first position in the stream of draws.")
        var position = 0
        @Option(help: "The page or the picture to write.")
        var out: String
        @OptionGroup var result: ResultOptions

        func run() throws {
            try within(clips, 1...1000, "--clips")
            try within(position, 0...Int(Int64.max / 2), "--position")
            guard let path = recipe.first else { throw ValidationError("name a recipe behind the data set") }
            guard let format = ContactSheet.Format(rawValue: URL(fileURLWithPath: out).pathExtension.lowercased())
            else {
                throw Fault(.usage, "--out \(out)", "ends neither in .html nor in .png")
            }
            let document = try RunPreparation.document(recipe: path, assignments: Array(recipe.dropFirst()))
            let recipe = try Recipe.read(document).recipe
            let settings = try recipe.clipSettings()
            let set = try PackedSet(directory: data, split: split)
            var sheet = ContactSheet(
                title:
                    "\(data), \(split): \(settings.frames) frames of \(settings.crop)x\(settings.crop), seed \(recipe.seed)",
                settings: settings, format: format)
            var clip = [Float](repeating: 0, count: settings.clipFloats)
            let loader = ClipLoader(set, settings, seed: recipe.seed)
            var substitutes = 0
            let shown = split == "train" ? clips : min(clips, set.count)
            for i in 0..<shown {
                let caption =
                    split == "train"
                    ? try draw(position + i, loader, set, &clip, &substitutes)
                    : try first(i * set.count / shown, settings, set, &clip, &substitutes)
                try sheet.add(clip, caption: caption)
            }
            try writeWhole(try sheet.bytes(), to: out)
            result.report(
                ["out": .string(out), "clips": .integer(shown), "replaced": .integer(substitutes)],
                text: "\(out): \(shown) clips of \(data)/\(split)"
                    + (substitutes > 0 ? ", \(substitutes) of them do not decode" : ""))
        }

        /// A clip of the training stream.
        private func draw(
            _ position: Int, _ loader: ClipLoader, _ set: PackedSet, _ clip: inout [Float], _ substitutes: inout Int
        ) throws -> String {
            let loaded = try clip.withUnsafeMutableBufferPointer {
                try loader.load(position: UInt64(position), into: $0)
            }
            let used = set.records[loaded.substitution?.usedRank ?? loaded.rank]
            let caption = "\(position): \(set.classes[loaded.label]): \(used.name)"
            guard let substitution = loaded.substitution else { return caption }
            substitutes += 1
            return caption + ", in place of \(substitution.name): \(substitution.reason)"
        }

        /// The first clip of a video, as a test takes it: from the beginning, cut out of the middle.
        private func first(
            _ rank: Int, _ settings: ClipSettings, _ set: PackedSet, _ clip: inout [Float], _ substitutes: inout Int
        ) throws -> String {
            let record = set.records[rank]
            let views = try ViewSettings(settings, uniform: 1)
            let problem = try clip.withUnsafeMutableBufferPointer { out in
                try ViewedVideo(set, rank: rank).decodeViews(views) { _, _ in
                } view: { _, pixels in
                    pixels.write(to: out)
                }
            }
            guard let problem else { return "\(rank): \(set.classes[record.label]): \(record.name)" }
            substitutes += 1
            for j in clip.indices { clip[j] = 0 }
            return "\(rank): \(set.classes[record.label]): \(record.name) does not decode: \(problem.reason)"
        }
    }
}
