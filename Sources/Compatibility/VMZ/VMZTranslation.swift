public import Configuration
public import Faults
import Models

/// What the flags of one of VMZ's programs ask for, in our words: a pure translation.
public struct VMZTranslation: Sendable {
    public enum Task: Sendable {
        case train(Training)
        case test(Testing)
        case extract(Extraction)
        case createDatabase(Database)
        case convert(from: String, to: String)
    }

    public struct Training: Sendable {
        public let recipe: Document
        /// Databases of create_video_db.
        public let trainData: String
        public let testData: String?
        /// The folder of the run.
        public let run: String
        /// Where training begins; `nil`: from the seed.
        public let initialWeights: String?
    }

    public struct Testing: Sendable {
        public let recipe: Document
        public let testData: String
        public let weights: String
    }

    public struct Extraction: Sendable {
        public let test: Testing
        /// The pickle; `nil`: beside the database.
        public let output: String?
        /// Names of VMZ's blobs.
        public let features: [String]
        /// Clips spread over each video; `nil`: one, from the start frame of the list.
        public let clips: Int?
    }

    public struct Database: Sendable, Equatable {
        public let list: String
        public let output: String
        public let holdsPaths: Bool
        public let hasVideoIDs: Bool
        public let hasStartFrames: Bool
        public let copies: Int
    }

    public let task: Task
    /// Flags that were given and are of no matter.
    public let immaterial: [String]

    /// - Parameter words: The flags, as VMZ takes them.
    /// - Throws: `Fault.usage` that lists what cannot be followed.
    public init(_ tool: VMZTool, _ words: [String]) throws(Fault) {
        var arguments = VMZArguments(tool, words)
        switch tool {
        case .trainNet: task = .train(Self.training(&arguments))
        case .testNet, .testNetLarge: task = .test(Self.testing(&arguments))
        case .extractFeatures:
            task = .extract(Self.extraction(&arguments))
        case .createVideoDB: task = .createDatabase(Self.database(&arguments))
        case .minidbToPickle:
            task = .convert(
                from: arguments.text("load_model_path") ?? "", to: arguments.text("save_model_path") ?? "")
        }
        try arguments.refusals.check("zoetrope vmz \(tool.rawValue)")
        immaterial = arguments.immaterial
    }

    private static func database(_ arguments: inout VMZArguments) -> Database {
        let database = Database(
            list: arguments.text("list_file") ?? "", output: arguments.text("output_file") ?? "",
            holdsPaths: arguments.flag("use_list"), hasVideoIDs: arguments.flag("use_video_id"),
            hasStartFrames: arguments.flag("use_start_frame"), copies: arguments.integer("num_epochs", in: 1...10_000))
        if !database.holdsPaths {
            for (name, isSet) in [
                ("use_start_frame", database.hasStartFrames), ("num_epochs", database.copies > 1),
            ] where isSet {
                arguments.refuse(name, "VMZ does it for paths only", mend: "add --use_list=1")
            }
        }
        return database
    }

    private static func training(_ arguments: inout VMZArguments) -> Training {
        var recipe = VMZRecipe(arguments)
        recipe.network()
        recipe.input(training: true)
        recipe.training()
        arguments = recipe.arguments
        let weights = arguments.text("load_model_path")
        if weights != nil, arguments.flag("is_checkpoint") {
            arguments.refuse(
                "is_checkpoint", "a run of VMZ cannot be continued: its file holds no step",
                mend: "--is_checkpoint=0 begins a run from its weights")
        }
        return Training(
            recipe: recipe.recipe, trainData: arguments.text("train_data") ?? "",
            testData: arguments.text("test_data"),
            run: "\(arguments.text("file_store_path") ?? "")/\(arguments.text("save_model_name") ?? "")",
            initialWeights: weights)
    }

    private static func extraction(_ arguments: inout VMZArguments) -> Extraction {
        let test = testing(&arguments)
        let names = (arguments.text("features") ?? "").split(separator: ",").map {
            String($0.drop { $0 == " " })
        }
        if names.isEmpty || Set(names).count < names.count {
            arguments.refuse("features", "names no blob, or one twice", mend: "write for example softmax,final_avg")
        }
        if arguments.integer("crop_per_clip", in: 1...3) > 1 {
            arguments.refuse("crop_per_clip", "a row is of the middle of a clip", mend: "it can only be 1")
        }
        let clips = arguments.integer("clip_per_video", in: 1...1000)
        switch arguments.value("decode_type") {
        case .integer(1): break
        case .integer(2):
            if clips > 1 { arguments.refuse("clip_per_video", "a list has one start frame for a video") }
        default:
            arguments.refuse(
                "decode_type", "clips that are drawn differ from run to run", mend: "1 spreads them, 2 takes the list's"
            )
        }
        return Extraction(
            test: test, output: arguments.text("output_path"), features: names,
            clips: arguments.value("decode_type") == .integer(1) ? clips : nil)
    }

    private static func testing(_ arguments: inout VMZArguments) -> Testing {
        var recipe = VMZRecipe(arguments)
        recipe.network()
        recipe.input(training: false)
        recipe.testing()
        arguments = recipe.arguments
        return Testing(
            recipe: recipe.recipe, testData: arguments.text("test_data") ?? "",
            weights: arguments.text("load_model_path") ?? "")
    }
}
