public import Faults
import Video

/// Makes one video of the motion data set: H.264 in MP4, 30 frames a second, the same bytes for the same arguments.
/// - Parameters:
///   - number: which video; decides everything but the class.
///   - size: width and height in pixels, even.
public func motionVideo(
    _ motionClass: MotionClass, seed: UInt64, number: UInt64, frames: Int, size: Int
) throws(Fault) -> [UInt8] {
    let encoder = try VideoEncoder(width: size, height: size, framesPerSecond: motionFramesPerSecond)
    var painter = ScenePainter(MotionScene(motionClass, seed: seed, number: number), size: size)
    let picture = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 3 * size * size)
    defer { picture.deallocate() }
    for t in 0..<frames {
        painter.paint(t, into: picture)
        try encoder.append(rgb: UnsafeBufferPointer(picture))
    }
    return try encoder.finish()
}

/// Frames per second of the motion data set's videos.
public let motionFramesPerSecond = 30
