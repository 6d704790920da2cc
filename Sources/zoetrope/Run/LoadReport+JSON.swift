import Checkpoints
import Reporting

extension LoadReport {
    /// Whether there is anything to say beyond that every tensor found its place.
    var isRemarkable: Bool {
        !(reshaped.isEmpty && converted.isEmpty && fresh.isEmpty && missing.isEmpty && mismatched.isEmpty
            && unexpected.isEmpty && notes.isEmpty)
    }

    /// Every name; shapes as lists.
    var json: JSON {
        func shape(_ shape: [Int]) -> JSON { .array(shape.map(JSON.integer)) }
        return [
            "path": .string(path), "format": .string(format.rawValue), "network": .string(network),
            "naming": naming.map { .string($0.rawValue) } ?? .null,
            "matched": .array(matched.map { ["source": .string($0.source), "target": .string($0.target)] }),
            "reshaped": .array(
                reshaped.map {
                    [
                        "source": .string($0.source), "target": .string($0.target), "stored": shape($0.stored),
                        "wanted": shape($0.wanted), "how": .string($0.fit.description),
                    ]
                }),
            "converted": .array(converted.map { ["source": .string($0.source), "type": .string($0.type.rawValue)] }),
            "fresh": .array(fresh.map(JSON.string)),
            "missing": .array(
                missing.map {
                    [
                        "target": .string($0.target), "shape": shape($0.shape),
                        "nearest": $0.nearest.map(JSON.string) ?? .null,
                    ]
                }),
            "mismatched": .array(
                mismatched.map {
                    [
                        "source": .string($0.source), "target": .string($0.target), "stored": shape($0.stored),
                        "wanted": shape($0.wanted),
                    ]
                }),
            "unexpected": .array(unexpected.map { ["source": .string($0.source), "shape": shape($0.shape)] }),
            "ignored": .array(ignored.map { ["source": .string($0.source), "why": .string($0.why)] }),
            "notes": .array(notes.map(JSON.string)),
        ]
    }
}
