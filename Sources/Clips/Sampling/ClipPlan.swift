import Randomness

/// Which pixels of a video make a clip: a pure function of the settings, the seed and the position in the stream.
package struct ClipPlan: Equatable {
    /// For each frame of the clip the source frame. A video that is too short is repeated from its beginning.
    package let frames: [Int]
    /// What whole frames are scaled to.
    package let width: Int
    package let height: Int
    /// The upper left corner of the crop in the scaled frame.
    package let left: Int
    package let top: Int
    package let mirrored: Bool

    /// The clip at `position` of the training stream, from the video `record` (or a substitute for it).
    package init(_ settings: ClipSettings, _ record: ClipRecord, seed: UInt64, position: UInt64) {
        func draws(_ purpose: Purpose) -> Draws { Draws(seed: seed, place: position, purpose: purpose) }
        let rate = settings.samplingRate(draws: draws(.samplingRate))
        let room = max(0, record.frameCount - settings.span(samplingRate: rate))
        let start: Int
        switch settings.start {
        case .jitter:
            // Repeats of a video are the same frames.
            let first = position - position % UInt64(settings.augmentation.repeats)
            start = Draws(seed: seed, place: first, purpose: .startFrame).integer(0, below: room + 1)
        case .listed: start = min(record.startFrame ?? 0, record.frameCount - 1)
        }
        let mirrored = draws(.flip).uniform(0) < settings.flip
        if let resized = settings.augmentation.resizedCrop {
            let window = ResizedWindow(resized, record, settings.crop, draws(.resizedCrop))
            self.init(
                settings, record, start: start, rate: rate, scaled: window.scaled, left: window.left, top: window.top,
                mirrored: mirrored)
            return
        }
        let scaled = settings.scaledSize(width: record.width, height: record.height, draws: draws(.scale))
        let crop = draws(.crop)
        self.init(
            settings, record, start: start, rate: rate, scaled: scaled,
            left: crop.integer(0, below: scaled.width - settings.crop + 1),
            top: crop.integer(1, below: scaled.height - settings.crop + 1), mirrored: mirrored)
    }

    private init(
        _ settings: ClipSettings, _ record: ClipRecord, start: Int, rate: Int, scaled: (width: Int, height: Int),
        left: Int, top: Int, mirrored: Bool
    ) {
        frames = (0..<settings.frames).map {
            (start + (settings.freezeFrame ? 0 : $0 * rate)) % record.frameCount
        }
        (width, height) = scaled
        (self.left, self.top, self.mirrored) = (left, top, mirrored)
    }
}
