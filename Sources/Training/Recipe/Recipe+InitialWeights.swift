import Configuration
import Faults

extension Recipe {
    /// A checkpoint that training begins from, of any origin and format.
    public struct InitialWeights: Sendable, Equatable {
        /// How convolutions over pictures become convolutions over clips.
        public enum Inflation: String, Sendable, CaseIterable { case no, `repeat`, centre }

        /// As the coordinator finds it; workers never open it.
        public var path: String
        /// Of the file, in hexadecimal: with it the recipe alone decides the bits. Empty until the run begins.
        public var sha256: String
        public var inflation: Inflation
        /// The layer of the classes starts from the seed.
        public var replacesHead: Bool
        /// What the file lacks starts from the seed.
        public var allowsMissing: Bool
        /// What the network lacks is left out.
        public var allowsUnexpected: Bool
    }

    static func initialWeights(_ reader: inout Reader) throws(Fault) -> InitialWeights? {
        let inflations = InitialWeights.Inflation.allCases.map(\.rawValue)
        let path = try reader.string("model.weights", default: "")
        let sha256 = try reader.string("model.weights_sha256", default: "")
        let inflation = try reader.choice(
            "model.inflate", of: inflations, default: InitialWeights.Inflation.no.rawValue)
        let weights = InitialWeights(
            path: path, sha256: sha256, inflation: InitialWeights.Inflation(rawValue: inflation) ?? .no,
            replacesHead: try reader.boolean("model.replace_head", default: false),
            allowsMissing: try reader.boolean("model.allow_missing", default: false),
            allowsUnexpected: try reader.boolean("model.allow_unexpected", default: false))
        guard path.isEmpty else { return weights }
        let none = InitialWeights(
            path: "", sha256: "", inflation: .no, replacesHead: false, allowsMissing: false, allowsUnexpected: false)
        guard weights == none else {
            throw Fault(
                .usage, reader.place("model.weights"),
                "is empty, but other keys say how to load it", mend: "name a checkpoint, or take the other keys out")
        }
        return nil
    }
}
