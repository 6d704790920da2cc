/// What is done to the pixels of the clip at one position of the stream, after it was cut out.
package struct ClipAugmentation {
    private let operations: [PictureOperation]
    private let colours: ColourJitter?
    private let erasing: RandomErasing?
    private let changesColours: Bool
    private let side: Int

    /// nil where there is nothing to do.
    package init?(_ settings: ClipSettings, seed: UInt64, position: UInt64) {
        let augmentation = settings.augmentation
        guard augmentation.changesColours || augmentation.erasing != nil else { return nil }
        side = settings.crop
        changesColours = augmentation.changesColours
        operations = augmentation.randAugment?.plan(seed: seed, position: position) ?? []
        colours = changesColours ? ColourJitter(augmentation, seed: seed, position: position) : nil
        erasing = augmentation.erasing.map { RandomErasing($0, seed: seed, position: position, side: settings.crop) }
    }

    /// Whether frames are wanted as values of 0 to 255, to be normalised here.
    package var wantsRawValues: Bool { changesColours }

    /// - Parameter clip: T frames of side × side RGB values: raw ones where these are wanted, normalised ones else.
    package func apply(to clip: UnsafeMutableBufferPointer<Float>, scale: SIMD3<Float>, offset: SIMD3<Float>) {
        let size = 3 * side * side
        for t in 0..<clip.count / size {
            let frame = UnsafeMutableBufferPointer(rebasing: clip[t * size..<(t + 1) * size])
            if changesColours {
                operate(on: frame)
                colours?.apply(to: frame)
                for i in stride(from: 0, to: size, by: 3) {
                    for c in 0..<3 { frame[i + c] = frame[i + c] * scale[c] + offset[c] }
                }
            }
            erasing?.apply(to: frame, t: t, side: side)
        }
    }

    /// Bytes are what RandAugment works on; raw values are whole numbers of 0 to 255.
    private func operate(on frame: UnsafeMutableBufferPointer<Float>) {
        guard !operations.isEmpty else { return }
        var picture = frame.map { UInt8($0) }
        for operation in operations { operation.apply(to: &picture, side: side) }
        for i in frame.indices { frame[i] = Float(picture[i]) }
    }
}
