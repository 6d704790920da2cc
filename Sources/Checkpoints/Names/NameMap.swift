public import Faults

/// Which tensor of a file is which tensor of a network, by their names alone.
///
/// Names that are the same are the same tensor. Where the schemes differ, each name's place in the network decides
/// (`TensorPlace`); the shapes are for the loading to compare.
public struct NameMap: Sendable, Equatable {
    /// The scheme of each side, as far as it is known.
    public let source: Naming?
    public let target: Naming?
    /// The source's name of each target that has one.
    public let sources: [String: String]

    /// - Parameters:
    ///   - sources: without scopes such as `module.`; no two the same.
    ///   - targets: as the network names them.
    public init(from sources: [String], to targets: [String]) {
        source = Naming.recognising(sources)
        target = Naming.recognising(targets)
        let present = Set(sources)
        var exact: [String: String] = [:]
        for name in targets where present.contains(name) { exact[name] = name }
        var placed: [String: String] = [:]
        if let source, let target {
            let bySource = Self.unique(source.places(of: sources))
            for (place, name) in Self.unique(target.places(of: targets)) { placed[name] = bySource[place] }
        }
        // The same scheme of another network may number otherwise: then the places are right, and more of them agree.
        let (first, second) = exact.count >= placed.count ? (exact, placed) : (placed, exact)
        var used = Set(first.values)
        var all = first
        for name in targets where all[name] == nil {
            guard let other = second[name], used.insert(other).inserted else { continue }
            all[name] = other
        }
        self.sources = all
    }

    private static func unique(_ places: [String: TensorPlace]) -> [TensorPlace: String] {
        var names: [TensorPlace: String] = [:]
        var ambiguous: Set<TensorPlace> = []
        for (name, place) in places where names.updateValue(name, forKey: place) != nil { ambiguous.insert(place) }
        for place in ambiguous { names[place] = nil }
        return names
    }

    /// Between PySlowFast's keys and Caffe2 blobs, in either direction, without a network at hand: what writers need.
    ///
    /// - Returns: the new name of each name.
    /// - Throws: a data `Fault` for a name that the one scheme does not know or the other has no word for, and for other
    ///   schemes: between those only a network tells (`init(from:to:)`).
    public static func names(_ names: [String], from: Naming, to: Naming) throws(Fault) -> [String: String] {
        guard to == .slowfast || to == .slowfastBlobs else {
            throw Fault(
                .usage, to.rawValue, "names in this scheme depend on the network",
                mend: "load the file into the network of that origin")
        }
        let places = from.places(of: names)
        var lastBlocks: [Int: Int] = [:]
        for case .block(let stage, let index) in places.values.lazy.filter({ $0.pathway == 1 }).map(\.site) {
            lastBlocks[stage] = max(index, lastBlocks[stage] ?? 0)
        }
        var result: [String: String] = [:]
        var taken: Set<String> = []
        for name in names {
            guard let place = places[name] else {
                throw Fault(.data, name, "is not a name of \(from.rawValue)", mend: "leave it out")
            }
            let new =
                to == .slowfast ? SlowFastKeys.name(place) : SlowFastBlobs.name(place, lastBlocks: lastBlocks)
            guard let new, taken.insert(new).inserted else {
                throw Fault(
                    .data, name, "has no counterpart of its own in \(to.rawValue)", mend: "leave it out")
            }
            result[name] = new
        }
        return result
    }
}
