import Faults
import Randomness
import Storage
import Video

/// What a position of the stream got.
public struct LoadedClip: Sendable, Equatable {
    public let label: Int
    /// Which clip of the set was meant.
    public let rank: Int
    /// What was loaded in its place; `nil` when it was loaded itself.
    public let substitution: Substitution?
}

/// A clip that could not be decoded, and the one that took its place: for the ledger.
public struct Substitution: Sendable, Equatable {
    /// In the stream of draws.
    public let position: UInt64
    /// Which clip was meant, and which one was loaded.
    public let wantedRank: Int
    public let usedRank: Int
    /// What the clip is called in its list, and why it does not decode.
    public let name: String
    public let reason: String
}

/// Loads clips of a packed set as f32, for the thread that owns it.
///
/// What a position holds is a pure function of the set, the settings and the seed: which clip (a keyed permutation for
/// each pass over the set), where it begins, how it is scaled, cropped and mirrored. A video whose digest is right but
/// that does not decode is replaced by another of its class, drawn by the position too, and the replacement is told.
public final class ClipLoader {
    private let set: PackedSet
    /// May be changed from clip to clip, as long as it repeats clips as often.
    public var settings: ClipSettings
    private let seed: UInt64
    private var order: (pass: UInt64, permutation: KeyedPermutation)
    private let ranksByLabel: [Int: [Int]]

    /// How many others are tried for a clip that does not decode: half from its class, then half from all.
    private static let mostSubstitutes = 16

    public init(_ set: PackedSet, _ settings: ClipSettings, seed: UInt64) {
        self.set = set
        self.settings = settings
        self.seed = seed
        order = (0, KeyedPermutation(count: set.count, seed: seed, epoch: 0))
        ranksByLabel = Dictionary(grouping: 0..<set.count) { set.records[$0].label }
    }

    /// Which clip of the set position `position` of the endless stream is.
    public func rank(at position: UInt64) -> Int {
        let draw = position / UInt64(settings.augmentation.repeats)
        let pass = draw / UInt64(set.count)
        if order.pass != pass {
            order = (pass, KeyedPermutation(count: set.count, seed: seed, epoch: pass))
        }
        return order.permutation(Int(draw % UInt64(set.count)))
    }

    /// Loads the training clip at `position` into `out` (T, H, W, RGB; `settings.clipFloats` floats).
    /// - Throws: a data `Fault` when a digest is wrong, which is an error of the disk, or when neither the clip nor any
    ///   substitute decodes.
    public func load(position: UInt64, into out: UnsafeMutableBufferPointer<Float>) throws -> LoadedClip {
        let wanted = rank(at: position)
        var problem: Fault?
        for attempt in 0...Self.mostSubstitutes {
            guard let used = attempt == 0 ? wanted : substitute(for: wanted, position, attempt - 1) else { continue }
            let plan = ClipPlan(settings, set.records[used], seed: seed, position: position)
            let augmentation = ClipAugmentation(settings, seed: seed, position: position)
            guard let failure = try decode(used, plan, into: out, raw: augmentation?.wantsRawValues ?? false) else {
                augmentation?.apply(
                    to: UnsafeMutableBufferPointer(rebasing: out[..<settings.clipFloats]),
                    scale: 1 / settings.deviation,
                    offset: -settings.mean / settings.deviation)
                let substitution = problem.map {
                    Substitution(
                        position: position, wantedRank: wanted, usedRank: used, name: $0.thing, reason: $0.reason)
                }
                return LoadedClip(label: set.records[used].label, rank: wanted, substitution: substitution)
            }
            problem = problem ?? failure
        }
        throw Fault(
            .data, problem?.thing ?? set.records[wanted].name,
            "\(problem?.reason ?? "does not decode"), and none of \(Self.mostSubstitutes) substitutes does either",
            mend: "check the data set in \(set.directory)")
    }

    /// The `attempt`-th candidate for a clip that does not decode; `nil` where that is the clip itself.
    private func substitute(for wanted: Int, _ position: UInt64, _ attempt: Int) -> Int? {
        let draws = Draws(seed: seed, place: position, purpose: .substitute)
        let sameClass = ranksByLabel[set.records[wanted].label] ?? []
        let candidate =
            attempt < Self.mostSubstitutes / 2
            ? sameClass[draws.integer(attempt, below: sameClass.count)] : draws.integer(attempt, below: set.count)
        return candidate == wanted ? nil : candidate
    }

    /// Decodes the clip of `plan`. Content errors are returned; others are thrown.
    /// - Parameter raw: Values of 0 to 255, not normalised.
    private func decode(
        _ rank: Int, _ plan: ClipPlan, into out: UnsafeMutableBufferPointer<Float>, raw: Bool
    ) throws -> Fault? {
        precondition(out.count >= settings.clipFloats, "\(out.count) floats for a clip")
        let record = set.records[rank]
        return try set.withVideo(at: rank) { bytes in
            do {
                let video = try VideoReader(bytes, name: record.name, access: record.access)
                guard video.frameCount == record.frameCount else {
                    return Fault(
                        .data, record.name, "has \(video.frameCount) frames and its record \(record.frameCount)")
                }
                try decode(video, plan, into: out, raw: raw)
                return nil
            } catch let fault as Fault { return fault }
        }
    }

    private func decode(
        _ video: VideoReader, _ plan: ClipPlan, into out: UnsafeMutableBufferPointer<Float>, raw: Bool
    ) throws {
        let scale = raw ? SIMD3(repeating: 1) : 1 / settings.deviation
        let offset = raw ? .zero : -settings.mean / settings.deviation
        let floats = settings.frameFloats
        // Where each source frame goes: a short video is repeated.
        var places: [Int: [Int]] = [:]
        for (t, frame) in plan.frames.enumerated() { places[frame, default: []].append(t) }
        try video.decode(places.keys.sorted(), width: plan.width, height: plan.height) { frame, picture in
            var first: UnsafeMutableBufferPointer<Float>?
            for t in places[frame] ?? [] {
                let target = UnsafeMutableBufferPointer(rebasing: out[t * floats..<(t + 1) * floats])
                if let first {
                    _ = target.update(fromContentsOf: first)
                    continue
                }
                picture.normalize(
                    columns: plan.left..<plan.left + settings.crop, rows: plan.top..<plan.top + settings.crop,
                    mirrored: plan.mirrored, scale: scale, offset: offset, into: target)
                first = target
            }
        }
    }
}
