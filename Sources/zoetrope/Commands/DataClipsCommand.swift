import ArgumentParser
import Checkpoints
import Clips
import Faults
import Foundation
import Protocol
import Reporting
import Training
import Worker

extension DataCommand {
    /// `zoetrope data clips`: what a recipe makes of a data set, in a file.
    struct ExportClips: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clips",
            abstract: "Write clips as a recipe draws them: to look at, or to train others on the same.",
            discussion: """
                A safetensors file: `clips` (f32, N T H W RGB, normalised as the network gets them), `labels` and `ranks` \
                (i64; the rank is the clip's place in the data set). Training clips come from the recipe's endless stream, \
                augmented; mixing, which is of a whole unit, is left out. With --uniform, clips spread uniformly over each \
                video, as a test takes them.
                """)
        @Argument(help: "The recipe, and key=value for whatever is to be different.")
        var recipe: [String]
        @Option(help: "The data set's folder.")
        var data: String
        @Option(help: "Which split: train, val or test.")
        var split = "train"
        @Option(help: "The first position of the stream; with --uniform, the first video.")
        var first = 0
        @Option(help: "How many positions, or videos.")
        var count: Int
        @Option(help: "Clips per video, not augmented.")
        var uniform: Int?
        @Option(help: "The file to write.")
        var out: String
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard !recipe.isEmpty else { throw ValidationError("name a recipe") }
            guard (0...Int(1e15)).contains(first) else { throw ValidationError("--first \(first): choose 0 or more") }
            guard (1...100_000_000).contains(count) else { throw ValidationError("--count \(count): choose 1 or more") }
            if let uniform, !(1...1000).contains(uniform) {
                throw ValidationError("--uniform \(uniform): choose 1 to 1000")
            }
        }

        func run() throws {
            let document = try RunPreparation.document(recipe: recipe[0], assignments: Array(recipe.dropFirst()))
            let recipe = try Recipe.read(document).recipe
            guard recipe.multigrid == nil || uniform != nil else {
                throw Fault(
                    .usage, "[multigrid]", "gives the clips of the stream several shapes, and a file has one",
                    mend: "turn multigrid.long_cycle and multigrid.short_cycle off for the whole clips")
            }
            let settings = try recipe.clipSettings()
            let set = try PackedSet(directory: data, split: split)
            if uniform != nil, first + count > set.count {
                throw Fault(
                    .usage, "--count", "\(split) has \(set.count) videos, not \(first + count)", mend: "lower it")
            }
            let perPlace = uniform ?? 1
            let total = count * perPlace
            let writer = try SafetensorsWriter(
                out,
                tensors: [
                    StoredTensor(name: "labels", type: .i64, shape: [total]),
                    StoredTensor(name: "ranks", type: .i64, shape: [total]),
                    StoredTensor(
                        name: "clips", type: .f32, shape: [total, settings.frames, settings.crop, settings.crop, 3]),
                ])
            let loader = ClipLoader(set, settings, seed: recipe.seed)
            var clips = [Float](repeating: 0, count: perPlace * settings.clipFloats)
            let clock = MonotonicClock()
            var bar = ProgressBar("clips", total: count, now: clock.now)
            for place in 0..<count {
                let (label, rank) = try clips.withUnsafeMutableBufferPointer {
                    try load(first + place, loader, set, into: $0)
                }
                for (name, number) in [("labels", label), ("ranks", rank)] {
                    let numbers = [Int64](repeating: Int64(number), count: perPlace)
                    try write(name, numbers, at: 8 * place * perPlace, writer)
                }
                try write("clips", clips, at: 4 * place * clips.count, writer)
                bar.update(place + 1, "", now: clock.now)
            }
            try writer.finish()
            result.report(["clips": .integer(total), "out": .string(out)], text: "\(out): \(total) clips")
        }

        private func load(
            _ place: Int, _ loader: ClipLoader, _ set: PackedSet, into out: UnsafeMutableBufferPointer<Float>
        ) throws -> (label: Int, rank: Int) {
            guard let uniform else {
                let clip = try loader.load(position: UInt64(place), into: out)
                return (clip.label, clip.substitution?.usedRank ?? clip.rank)
            }
            let views = try ViewSettings(loader.settings, uniform: uniform)
            let problem = try ViewedVideo(set, rank: place).decodeViews(views) { _, _ in
            } view: { number, pixels in
                let view = pixels.count
                pixels.write(to: UnsafeMutableBufferPointer(rebasing: out[number * view..<(number + 1) * view]))
            }
            if let problem { throw problem }
            return (set.records[place].label, place)
        }

        private func write<T>(_ name: String, _ values: [T], at offset: Int, _ writer: SafetensorsWriter) throws {
            try values.withUnsafeBytes { try writer.write(name, at: offset, $0) }
        }
    }
}
