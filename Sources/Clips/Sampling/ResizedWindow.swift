import Randomness

/// A window of random area and aspect, as the size that makes it the crop and the crop's place in it: torchvision's and
/// PySlowFast's random resized crop.
struct ResizedWindow {
    /// What whole frames are scaled to, so that the window has the crop's sides.
    let scaled: (width: Int, height: Int)
    let left: Int
    let top: Int

    init(_ settings: AugmentationSettings.ResizedCrop, _ record: ClipRecord, _ crop: Int, _ draws: Draws) {
        let window = Self.draw(settings, width: record.width, height: record.height, draws)
        // Frames of a size that nobody has are not scaled up without bound.
        func side(_ length: Int, _ part: Int) -> Int {
            min(8192, max(crop, (2 * length * crop + part) / (2 * part)))
        }
        scaled = (side(record.width, window.width), side(record.height, window.height))
        left = min(scaled.width - crop, window.left * scaled.width / record.width)
        top = min(scaled.height - crop, window.top * scaled.height / record.height)
    }

    /// In source pixels: the first of ten attempts that fits into the frame, else the largest in the middle.
    private static func draw(
        _ settings: AugmentationSettings.ResizedCrop, width: Int, height: Int, _ draws: Draws
    ) -> (left: Int, top: Int, width: Int, height: Int) {
        let (area, aspect) = (settings.area, settings.aspect)
        for attempt in 0..<10 {
            let share = area.lowerBound + (area.upperBound - area.lowerBound) * Double(draws.uniform(4 * attempt))
            let pixels = share * Double(width * height)
            let ratio = exponentialBetween(
                aspect.lowerBound, aspect.upperBound, Double(draws.uniform(4 * attempt + 1)))
            let (w, h) = (Int((pixels * ratio).squareRoot().rounded()), Int((pixels / ratio).squareRoot().rounded()))
            guard w > 0, w <= width, h > 0, h <= height else { continue }
            return (
                draws.integer(4 * attempt + 2, below: width - w + 1),
                draws.integer(4 * attempt + 3, below: height - h + 1), w, h
            )
        }
        let ratio = Double(width) / Double(height)
        let bounded = min(aspect.upperBound, max(aspect.lowerBound, ratio))
        let w = ratio > bounded ? max(1, Int((Double(height) * bounded).rounded())) : width
        let h = ratio < bounded ? max(1, Int((Double(width) / bounded).rounded())) : height
        return ((width - w) / 2, (height - h) / 2, w, h)
    }
}
