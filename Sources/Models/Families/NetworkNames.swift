public import Faults

extension NetworkDescription {
    private static var families: [any NetworkFamily.Type] {
        [VMZNetwork.self, C3DNetwork.self, TorchvisionNetwork.self, PySlowFastNetwork.self, PyTorchVideoNetwork.self]
    }

    /// Every network that can be named, bare names being VMZ's.
    public static let names: [String] = families.flatMap { $0.names }

    /// The network called `name` for clips of `frames` frames of `size` x `size` pixels.
    ///
    /// - Throws: a usage `Fault` that names the nearest network, or the size or option that the network does not take.
    public init(
        named name: String, classes: Int, frames: Int, size: Int, options: NetworkOptions = NetworkOptions()
    ) throws(Fault) {
        try self.init(
            named: name, classes: classes, frames: frames, height: size, width: size, options: options)
    }

    /// The network called `name` for clips of `frames` frames of `height` rows and `width` columns.
    ///
    /// - Throws: a usage `Fault` that names the nearest network, or the size or option that the network does not take.
    public init(
        named name: String, classes: Int, frames: Int, height: Int, width: Int,
        options: NetworkOptions = NetworkOptions()
    ) throws(Fault) {
        for (what, value, limit) in [
            ("classes", classes, 1_000_000), ("frames", frames, 4096), ("size", height, 8192), ("size", width, 8192),
        ]
        where !(1...limit).contains(value) {
            throw Fault(.usage, "\(what) \(value)", "a network takes 1 to \(limit)")
        }
        self = try Self.family(of: name).describe(
            NetworkRequest(name: name, classes: classes, frames: frames, height: height, width: width, options: options)
        )
    }

    /// The clip that the network called `name` was published with, for whoever does not say another.
    ///
    /// - Throws: a usage `Fault` that names the nearest network.
    public static func publishedClip(named name: String) throws(Fault) -> PublishedClip {
        try family(of: name).publishedClip(name)
    }

    private static func family(of name: String) throws(Fault) -> any NetworkFamily.Type {
        guard let family = families.first(where: { $0.names.contains(name) }) else {
            throw Fault(.usage, name, "no such network", mend: advice(for: name, among: names))
        }
        return family
    }
}
