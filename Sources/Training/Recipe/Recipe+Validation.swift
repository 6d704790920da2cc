import Configuration
import Faults

/// `[validation]`.
extension Recipe {
    static func validation(_ reader: inout Reader, average: Double) throws(Fault) -> Validation {
        let validation = Validation(
            everyEpochs: try reader.real("validation.every_epochs", default: 0, in: 0...1e9),
            split: try reader.choice("validation.split", of: ["val", "test", "train"], default: "val"),
            clips: try reader.integer("validation.clips", default: 1, in: 1...1000),
            average: try reader.boolean("validation.average", default: false),
            preciseClips: try reader.integer("validation.precise_clips", default: 0, in: 0...100_000_000))
        guard !validation.average || average > 0 else {
            throw Fault(
                .usage, reader.place("validation.average"),
                "is true, and optimizer.average is 0: there is no average of the weights",
                mend: "set optimizer.average, for example to 0.999, or take validation.average out")
        }
        return validation
    }
}

extension Recipe.Validation {
    /// Whether the checkpoint of `version` is to be validated: the first of each stretch of `everyEpochs` epochs, and the
    /// last of the run.
    /// - Parameters:
    ///   - last: The newest version that has been, or 0.
    ///   - stepsPerEpoch: Above 0.
    public func isDue(version: Int, last: Int, steps: Int, stepsPerEpoch: Double) -> Bool {
        guard everyEpochs > 0, version > last else { return false }
        func stretch(_ version: Int) -> Double { (Double(version) / (stepsPerEpoch * everyEpochs)).rounded(.down) }
        return version == steps || stretch(version) > stretch(last)
    }
}
