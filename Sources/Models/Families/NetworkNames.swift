public import Faults

extension NetworkDescription {
    /// Every network that can be named, bare names being VMZ's.
    public static var names: [String] { VMZNetwork.names + TorchvisionNetwork.names }

    /// The network called `name` for clips of `frames` frames of `size` x `size` pixels.
    ///
    /// Throws a usage `Fault` that names the nearest network, or the size that no network takes.
    public init(named name: String, classes: Int, frames: Int, size: Int) throws(Fault) {
        for (what, value, limit) in [("classes", classes, 1_000_000), ("frames", frames, 4096), ("size", size, 4096)]
        where !(1...limit).contains(value) {
            throw Fault(.usage, "\(what) \(value)", "a network takes 1 to \(limit)")
        }
        if let kind = TorchvisionNetwork.Kind.allCases.first(where: { "torchvision/\($0.rawValue)" == name }) {
            self = TorchvisionNetwork(kind).described(classes: classes, frames: frames, size: size)
            return
        }
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        if parts.count == 2, let kind = VMZNetwork.Kind(rawValue: String(parts[0])), let depth = Int(parts[1]),
            VMZNetwork.names.contains(name)
        {
            self = VMZNetwork(kind, depth: depth).described(classes: classes, frames: frames, size: size)
            return
        }
        throw Fault(.usage, name, "no such network", mend: advice(for: name, among: Self.names))
    }
}
