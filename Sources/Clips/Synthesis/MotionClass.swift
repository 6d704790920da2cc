/// The classes of the motion data set, in the order of their labels: four pairs, each the reverse of the other in time.
public enum MotionClass: Int, Sendable, CaseIterable {
    case left, right, up, down, clockwise, counterclockwise, towards, away

    /// As it stands in lists and in `dataset.toml`.
    public var name: String { self == .counterclockwise ? "counter-clockwise" : "\(self)" }

    /// How many classes a data set may have: whole pairs.
    public static let counts = [2, 4, 6, 8]
}

/// What moves, per frame, as a class has it.
struct Motion {
    /// In image sizes; right and down are positive.
    var x = 0.0
    var y = 0.0
    /// In turns; clockwise as seen is positive.
    var turn = 0.0
    /// In cycles from the smallest size to the largest.
    var growth = 0.0

    /// - Parameter speed: in 0..<1, from the slowest to the fastest of the class.
    init(_ motion: MotionClass, speed: Double) {
        let step = 0.04 + 0.02 * speed
        let turning = (13 + 7 * speed) / 360
        let growing = 0.05 + 0.02 * speed
        switch motion {
        case .left: x = -step
        case .right: x = step
        case .up: y = -step
        case .down: y = step
        case .clockwise: turn = turning
        case .counterclockwise: turn = -turning
        case .towards: growth = growing
        case .away: growth = -growing
        }
    }
}
