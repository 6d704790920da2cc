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

extension Recipe {
    /// Whether the checkpoint of `version` is to be validated: the first of each stretch of `validation.everyEpochs` epochs (with
    /// multigrid's long cycle, of each of the stretches that its phases are cut into), and the last of the run.
    /// - Parameters:
    ///   - last: The newest version that has been, or 0.
    ///   - epochs: Epochs drawn before a version.
    public func isValidationDue(version: Int, last: Int, steps: Int, epochs: (Int) -> Double) -> Bool {
        guard validation.everyEpochs > 0, version > last else { return false }
        return version == steps || validationsDue(at: epochs(version)) > validationsDue(at: epochs(last))
    }

    /// How many of the run's validations are due by an epoch: a whole number that rises with it.
    public func validationsDue(at epoch: Double) -> Double {
        guard let multigrid, multigrid.longCycle, multigrid.validations > 0 else {
            return (epoch / validation.everyEpochs).rounded(.down)
        }
        var (due, begin) = (0.0, 0)
        for phase in MultigridCycles(multigrid, self).phases {
            // PySlowFast's `is_eval_epoch`: backwards from the phase's end, so that its last epoch is one of them.
            let period = max(1, (phase.end - begin) / multigrid.validations + 1)
            due += Double(stride(from: phase.end, to: begin, by: -period).count { Double($0) <= epoch })
            begin = phase.end
        }
        return due
    }
}
