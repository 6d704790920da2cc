public import Video

/// The pixels of one view, ready to be normalised for a network.
public struct ViewPixels: Sendable {
    private let frames: [StoredFrame]
    private let view: VideoPlan.View
    private let width: Int
    private let height: Int
    private let settings: ViewSettings

    init(_ frames: [StoredFrame], _ view: VideoPlan.View, _ plan: VideoPlan, _ settings: ViewSettings) {
        self.frames = frames
        self.view = view
        (width, height) = (plan.viewWidth, plan.viewHeight)
        self.settings = settings
    }

    /// Floats of the view: T · H · W · 3.
    public var count: Int { frames.count * height * width * 3 }

    /// Writes the view as T H W RGB, normalised.
    public func write(to out: UnsafeMutableBufferPointer<Float>) {
        precondition(out.count >= count, "\(out.count) floats for a view of \(count)")
        let scale = 1 / settings.deviation
        let offset = -settings.mean / settings.deviation
        let size = height * width * 3
        for (t, frame) in frames.enumerated() {
            frame.normalize(
                columns: view.left..<view.left + width, rows: view.top..<view.top + height, mirrored: view.mirrored,
                scale: scale, offset: offset,
                into: UnsafeMutableBufferPointer(rebasing: out[t * size..<(t + 1) * size]))
        }
    }
}

extension VideoReader {
    /// Decodes what the views of `plan` need, each frame once, and gives each view to `body` by its number in the plan as
    /// soon as its last frame is there; frames are let go with the last view that needs them. So memory holds the frames
    /// that overlapping views share, and not the video.
    ///
    /// - Throws: a data `Fault` when a frame does not decode; what `body` throws.
    public func decode(
        _ plan: VideoPlan, _ settings: ViewSettings, _ body: (_ view: Int, ViewPixels) throws -> Void
    ) throws {
        // For each frame the views that need it; for each view how many frames it still lacks.
        var views: [Int: [Int]] = [:]
        var lacking = plan.views.map { Set($0.frames) }
        var uses: [Int: Int] = [:]
        for (number, frames) in lacking.enumerated() {
            for frame in frames {
                views[frame, default: []].append(number)
                uses[frame, default: 0] += 1
            }
        }
        var stored: [Int: StoredFrame] = [:]
        try decode(plan.neededFrames, width: plan.width, height: plan.height) { frame, picture in
            stored[frame] = StoredFrame(picture)
            for number in views[frame] ?? [] {
                lacking[number].remove(frame)
                guard lacking[number].isEmpty else { continue }
                let view = plan.views[number]
                try body(number, ViewPixels(view.frames.compactMap { stored[$0] }, view, plan, settings))
                for frame in Set(view.frames) {
                    uses[frame, default: 1] -= 1
                    if uses[frame] == 0 { stored[frame] = nil }
                }
            }
        }
    }
}
