import Models

extension NetworkDescription {
    /// The network for the smallest clip that shows all of it.
    static func small(_ name: String) throws -> NetworkDescription {
        let clip = name == "c3d" ? (frames: 16, size: 112) : (frames: 8, size: 32)
        return try NetworkDescription(named: name, classes: 10, frames: clip.frames, size: clip.size)
    }
}
