import ArgumentParser
import Clips
import Compatibility
import Configuration
import Curation
import Faults
import Foundation
import Reporting
import Storage
import Training

/// `zoetrope vmz`: what VMZ's programs do, with their flags.
struct VMZ: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vmz",
        abstract: "Do what a program of VMZ does, with its flags: train_net, test_net, create_video_db and others.",
        discussion: """
              zoetrope vmz [--workers N] [--threads N] train_net --train_data=DB --model_name=r2plus1d ...

            A flag that cannot be followed is refused by name, all of them at once; docs/from-vmz.md has every flag. \
            Databases are unpacked and packed once into a cache. Options of our own come before the program's name.
            """)
    @Option(help: "Where unpacked databases go; without it, the folder zoetrope-cache beside the database.")
    var cache: String?
    @Flag(help: "Print the recipe that the flags are and do nothing.")
    var printRecipe = false
    @Flag(help: "Print every flag and what becomes of it, the table of docs/from-vmz.md, and do nothing.")
    var printFlags = false
    @OptionGroup var processes: TranslatedProcesses
    @OptionGroup var result: ResultOptions
    @Argument(parsing: .captureForPassthrough, help: "The program and its flags, as VMZ takes them.")
    var words: [String] = []

    func run() throws {
        // Taken as words of the program's, which has no such flag.
        if words.contains("--help") || words.contains("-h") { throw CleanExit.helpRequest(self) }
        if printFlags { return print(VMZFlag.markdown, terminator: "") }
        guard let first = words.first, let tool = VMZTool(rawValue: first) else {
            throw Fault(
                .usage, words.first ?? "zoetrope vmz", "is no program of VMZ that is understood",
                mend: advice(for: words.first ?? "", among: VMZTool.allCases.map(\.rawValue)))
        }
        let translation = try VMZTranslation(tool, Array(words.dropFirst()))
        if !translation.immaterial.isEmpty {
            standardError(
                "zoetrope: of no matter here, for reasons in docs/from-vmz.md: "
                    + translation.immaterial.joined(separator: ", ") + "\n")
        }
        switch translation.task {
        case .train(let training): try train(training)
        case .test(let testing): try test(testing)
        case .extract(let extraction): try extract(extraction)
        case .createDatabase(let task): try create(task)
        case .convert(let input, let output):
            var words = [input, "--to", "caffe2-pickle", "--out", output]
            if result.json { words.append("--json") }
            try ModelCommand.Convert.parse(words).run()
        }
    }

    private func train(_ task: VMZTranslation.Training) throws {
        let resolved = try Recipe.read(task.recipe)
        if printRecipe { return print(resolved.toml, terminator: "") }
        let run = try expanded(task.run)
        try makeDirectories(run)
        let recipe = run + "/" + URL(fileURLWithPath: run).lastPathComponent + ".toml"
        try writeWhole(resolved.toml, to: recipe)
        standardError("zoetrope: the recipe is in \(recipe)\n")
        let classes = resolved.recipe.model.classes
        var lists = [("train", try list(task.trainData, classes: classes))]
        if let testData = task.testData { lists.append(("val", try list(testData, classes: classes))) }
        let set = try LooseVideos(lists, classes: classes, cache: try folder(beside: task.trainData))
        let assignments = try task.initialWeights.map { path throws(Fault) in
            try processes.beginning(from: try expanded(path), of: resolved.recipe)
        }
        try processes.train(
            recipe: recipe, assignments: assignments ?? [], data: set.directory, run: run,
            isJSON: result.json && task.testData == nil)
        guard task.testData != nil else { return }
        try processes.test(recipe: recipe, checkpoint: run, data: set.directory, split: "val", isJSON: result.json)
    }

    private func test(_ task: VMZTranslation.Testing) throws {
        guard let prepared = try prepare(task) else { return }
        try processes.test(
            recipe: prepared.recipe, checkpoint: try expanded(task.weights), data: prepared.set, split: "test",
            isJSON: result.json)
    }

    /// The packed set and the recipe of a test; `nil` when only the recipe was to be printed.
    private func prepare(_ task: VMZTranslation.Testing) throws -> (set: String, recipe: String)? {
        let resolved = try Recipe.read(task.recipe)
        if printRecipe {
            print(resolved.toml, terminator: "")
            return nil
        }
        let classes = resolved.recipe.model.classes
        let set = try LooseVideos(
            [("test", try list(task.testData, classes: classes))], classes: classes,
            cache: try folder(beside: task.testData))
        let recipe = set.directory + "/recipe.toml"
        try writeWhole(resolved.toml, to: recipe)
        standardError("zoetrope: the recipe is in \(recipe)\n")
        return (set.directory, recipe)
    }

    private func extract(_ task: VMZTranslation.Extraction) throws {
        guard let prepared = try prepare(task.test) else { return }
        let output = try expanded(
            task.output ?? URL(fileURLWithPath: task.test.testData).deletingLastPathComponent().path
                + "/features.pickle")
        let arrays = try VMZFeatures(task.features, recipe: prepared.recipe)
        let table = output + ".safetensors"
        defer { try? FileManager.default.removeItem(atPath: table) }
        try processes.features(
            recipe: prepared.recipe, checkpoint: try expanded(task.test.weights), data: prepared.set, split: "test",
            layers: arrays.layers, clips: task.clips, out: table)
        let rows = try arrays.write(from: table, to: output)
        result.report(
            ["out": .string(output), "rows": .integer(rows)],
            text: "\(output): \(rows) rows of \(task.features.joined(separator: ", "))")
    }

    private func folder(beside database: String) throws(Fault) -> String {
        let beside = URL(fileURLWithPath: try expanded(database)).deletingLastPathComponent().path
        return try expanded(cache ?? beside + "/zoetrope-cache")
    }

    /// The list of a database, whose videos stay unpacked beside the packed ones; each video once.
    private func list(_ database: String, classes: Int) throws -> ClipList {
        let path = try expanded(database)
        let file = pathExists(path + "/data.mdb") ? path + "/data.mdb" : path
        guard let stamp = try FileStamp(path: file) else {
            throw Fault(.data, database, "there is no such database", mend: "'zoetrope vmz create_video_db' makes one")
        }
        let name = Digest(of: Array("\(file) \(stamp.byteCount) \(stamp.modified)".utf8)).description.prefix(16)
        let unpacked = "\(try folder(beside: database))/database-\(name)"
        if !pathExists(unpacked + "/list.csv") {
            standardError("zoetrope: unpacking \(database) into \(unpacked)\n")
            var unpacking = try Unpacking(into: unpacked)
            try unpacking.takeVMZ(path)
            _ = try unpacking.finish()
        }
        let list = try ClipList(path: unpacked + "/list.csv").withoutCopies
        if let entry = list.entries.first(where: { $0.label >= classes }) {
            throw Fault(
                .data, database, "holds label \(entry.label), and --num_labels is \(classes)",
                mend: "labels begin at 0 and are below --num_labels")
        }
        return list
    }

    private func create(_ task: VMZTranslation.Database) throws {
        var database = VMZDatabase()
        database.holdsPaths = task.holdsPaths
        database.hasStartFrames = task.hasStartFrames
        database.hasVideoIDs = task.hasVideoIDs
        database.copies = task.copies
        let list = try ClipList(path: try expanded(task.list))
        try database.write(list, to: try expanded(task.output))
        let records = list.entries.count * task.copies
        result.report(
            ["database": .string(task.output), "records": .integer(records)],
            text: "\(task.output): \(records) records of \(list.name)")
    }
}
