/// Which pixels of a video each view of a test sees: a pure function of the settings and what is known of the video.
public struct VideoPlan: Sendable, Equatable {
    /// One clip, cropped at one place.
    public struct View: Sendable, Equatable {
        /// The number of the clip in the video, and of the crop in the clip.
        public let clip: Int
        public let crop: Int
        /// For each of its T frames the source frame.
        public let frames: [Int]
        /// The upper left corner in the scaled frame.
        public let left: Int
        public let top: Int
        /// Right is left.
        public let mirrored: Bool
    }

    /// What whole frames are scaled to.
    public let width: Int
    public let height: Int
    /// Of a view, in pixels.
    public let viewWidth: Int
    public let viewHeight: Int
    /// Clip by clip, of each its crops. None where the video is too short for any.
    public let views: [View]

    public init(_ settings: ViewSettings, _ video: VideoFacts) {
        (width, height) = settings.scaledSize(width: video.width, height: video.height)
        let corners: [(left: Int, top: Int)]
        switch settings.region {
        case .frame:
            (viewWidth, viewHeight) = (width, height)
            corners = [(0, 0)]
        case .crops(let count, let size):
            (viewWidth, viewHeight) = (size, size)
            let (width, height) = (width, height)
            corners = (0..<count).map {
                settings.corner($0 % 3, of: min(count, 3), width: width, height: height, size: size)
            }
        }
        views = ClipFrames.clips(settings, video).enumerated().flatMap { clip, frames in
            corners.enumerated().map { crop, corner in
                View(
                    clip: clip, crop: crop, frames: frames, left: corner.left, top: corner.top, mirrored: crop >= 3)
            }
        }
    }

    /// Every frame that some view needs, ascending.
    var neededFrames: [Int] { Set(views.flatMap(\.frames)).sorted() }
}

extension ViewSettings {
    /// The size that frames of `width` × `height` are scaled to.
    func scaledSize(width: Int, height: Int) -> (width: Int, height: Int) {
        switch resize {
        case .exact(let width, let height): return (width, height)
        case .shortEdge(let edge):
            let longer = max(edge, longSide(long: max(width, height), short: min(width, height), edge: edge))
            return width <= height ? (edge, longer) : (longer, edge)
        }
    }

    private func longSide(long: Int, short: Int, edge: Int) -> Int {
        switch geometry {
        // To the nearest, halves up.
        case .vmz: (2 * long * edge + short) / (2 * short)
        case .slowfast: Int((Double(long) / Double(short) * Double(edge)).rounded(.down))
        case .nonlocal: Int(Float(long) * (Float(edge) / Float(short)))
        }
    }

    /// The upper left corner of crop `number` of 1 or 3.
    func corner(_ number: Int, of count: Int, width: Int, height: Int, size: Int) -> (left: Int, top: Int) {
        let (roomX, roomY) = (width - size, height - size)
        guard count > 1 else {
            return geometry == .slowfast ? ((roomX + 1) / 2, (roomY + 1) / 2) : (roomX / 2, roomY / 2)
        }
        switch geometry {
        case .vmz: return height < width ? (number * roomX / 2, roomY / 2) : (roomX / 2, number * roomY / 2)
        case .slowfast:
            let along = [0, (max(roomX, roomY) + 1) / 2, max(roomX, roomY)][number]
            return height > width ? ((roomX + 1) / 2, along) : (along, (roomY + 1) / 2)
        case .nonlocal:
            return roomY / 2 > 0 ? (roomX / 2, roomY / 2 * number) : (roomX / 2 * number, roomY / 2)
        }
    }
}
