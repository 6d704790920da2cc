import ArgumentParser
import Checkpoints
import Evaluation
import Faults
import Models

/// Of which clips and classes a network that is named on the command line is.
struct ClipOptions: ParsableArguments {
    @Option(help: "Frames of a clip; without it, as the network was published.")
    var frames: Int?
    @Option(help: "Rows and columns of a clip, in pixels; without it, as the network was published.")
    var size: Int?
    @Option(help: "Outputs of the last layer; without it, as many as the file's head has.")
    var classes: Int?

    /// The network called `name` that the checkpoint is of.
    func network(_ name: String, for checkpoint: Checkpoint) throws(Fault) -> NetworkDescription {
        let clip = try NetworkDescription.publishedClip(named: name)
        func network(classes: Int) throws(Fault) -> NetworkDescription {
            try NetworkDescription(
                named: name, classes: classes, frames: frames ?? clip.frames, size: size ?? clip.size)
        }
        if let classes { return try network(classes: classes) }
        let usual = try network(classes: 400)
        guard let found = try usual.classes(of: checkpoint), found != usual.classes else { return usual }
        return try network(classes: found)
    }
}
