import Configuration
import Faults

/// `[augment]`.
extension Recipe {
    static func augment(_ reader: inout Reader) throws(Fault) -> Augment {
        Augment(
            flip: try reader.real("augment.flip", default: 0.5, in: 0...1),
            freezeFrame: try reader.boolean("augment.freeze_frame", default: false),
            mixupAlpha: try alpha("augment.mixup_alpha", &reader),
            cutmixAlpha: try alpha("augment.cutmix_alpha", &reader),
            mixProbability: try reader.real("augment.mix_probability", default: 1, in: 0...1),
            mixSwitch: try reader.real("augment.mix_switch", default: 0.5, in: 0...1),
            cropArea: try range("augment.crop_area", in: 0.01...1, &reader),
            cropAspect: try range("augment.crop_aspect", in: 0.1...10, &reader),
            colourJitter: try colourJitter(&reader),
            lighting: try reader.real("augment.lighting", default: 0, in: 0...10),
            randAugment: try reader.string("augment.rand_augment", default: ""),
            eraseProbability: try reader.real("augment.erase_probability", default: 0, in: 0...1),
            eraseWindows: try reader.integer("augment.erase_windows", default: 1, in: 1...100),
            eraseFill: try reader.choice("augment.erase_fill", of: ["noise", "mean"], default: "noise"),
            repeats: try reader.integer("augment.repeats", default: 1, in: 1...64))
    }

    /// Least and most, or nothing.
    private static func range(
        _ key: String, in range: ClosedRange<Double>, _ reader: inout Reader
    ) throws(Fault) -> [Double] {
        let values = try reader.reals(key, default: [], count: 0...2)
        guard values.isEmpty || values.count == 2 && values[0] <= values[1] && values.allSatisfy(range.contains) else {
            throw Fault(
                .usage, reader.place(key), "\(values) is not the least and the most of something within \(range)",
                mend: "write two numbers, the smaller first, or [] for none")
        }
        return values
    }

    private static func colourJitter(_ reader: inout Reader) throws(Fault) -> [Double] {
        let values = try reader.reals("augment.colour_jitter", default: [0, 0, 0], count: 3...3)
        guard values.allSatisfy({ (0...1).contains($0) }) else {
            throw Fault(
                .usage, reader.place("augment.colour_jitter"), "\(values) are not all in 0 to 1",
                mend: "write how much brightness, contrast and saturation change, for example [0.4, 0.4, 0.4]")
        }
        return values
    }

    /// A parameter of the Beta distribution, 0 for off.
    private static func alpha(_ key: String, _ reader: inout Reader) throws(Fault) -> Double {
        let alpha = try reader.real(key, default: 0, in: 0...100)
        guard alpha == 0 || alpha >= 0.01 else {
            throw Fault(.usage, reader.place(key), "\(alpha) is below 0.01", mend: "choose 0 for none, or 0.01 or more")
        }
        return alpha
    }

    /// One half of a random resized crop is none.
    func checkResizedCrop(_ reader: Reader) throws(Fault) {
        guard augment.cropArea.isEmpty != augment.cropAspect.isEmpty else { return }
        throw Fault(
            .usage, reader.place(augment.cropArea.isEmpty ? "augment.crop_area" : "augment.crop_aspect"),
            "is empty, and a random resized crop takes both area and aspect",
            mend: "set both, for example [0.08, 1] and [0.75, 1.3333], or neither")
    }

    /// Clips are mixed with others of their unit.
    func checkMixing(_ reader: Reader) throws(Fault) {
        guard mixing.isOn, batch.clipsPerUnit == 1 else { return }
        throw Fault(
            .usage, reader.place(mixing.mixupAlpha > 0 ? "augment.mixup_alpha" : "augment.cutmix_alpha"),
            "mixes the clips of a unit, and batch.clips_per_unit is 1", mend: "raise batch.clips_per_unit to 2 or more")
    }
}

extension Recipe.Augment {
    /// Of area and aspect; nil: no random resized crop.
    public var resizedCropRanges: (area: ClosedRange<Double>, aspect: ClosedRange<Double>)? {
        guard cropArea.count == 2, cropAspect.count == 2 else { return nil }
        return (cropArea[0]...cropArea[1], cropAspect[0]...cropAspect[1])
    }
}
