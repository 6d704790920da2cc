public import Faults

/// Which tensor of a checkpoint goes where, and what of it does not fit: decided from names, shapes and types alone.
public struct LoadPlan: Sendable {
    /// A tensor of the file, by number, and the target it fills, by number.
    struct Assignment: Sendable {
        var source: Int
        var target: Int
        var fit: ShapeFit
    }

    public let report: LoadReport
    /// The shape that each target found has in the file, whether it fits or not.
    public let storedShapes: [String: [Int]]
    let assignments: [Assignment]
    private let options: LoadOptions
    private let wanted: Int

    /// - Throws: a data `Fault` when two tensors of the file are the same one.
    public init(
        _ checkpoint: Checkpoint, into targets: [TensorTarget], of network: String, options: LoadOptions = LoadOptions()
    ) throws(Fault) {
        self.options = options
        wanted = targets.count
        var report = LoadReport(path: checkpoint.path, network: network, format: checkpoint.format)
        // By the name without scopes.
        var sources: [String: Int] = [:]
        var names: [String] = []
        for (index, tensor) in checkpoint.tensors.enumerated() {
            switch StoredName(tensor.name) {
            case .ignored(let why): report.ignored.append(.init(source: tensor.name, why: why))
            case .tensor(let name):
                if let other = sources.updateValue(index, forKey: name) {
                    throw Fault(
                        .data, checkpoint.path,
                        "holds '\(checkpoint.tensors[other].name)' and '\(tensor.name)', which are both '\(name)'",
                        mend: "remove one of the two networks from the file")
                }
                names.append(name)
            }
        }
        let map = NameMap(from: names, to: targets.map(\.name))
        report.naming = map.source
        report.targetNaming = map.target
        var assignments: [Assignment] = []
        var storedShapes: [String: [Int]] = [:]
        var used: Set<String> = []
        for (number, target) in targets.enumerated() {
            let name = map.sources[target.name]
            if let name, let index = sources[name] {
                used.insert(name)
                storedShapes[target.name] = checkpoint.tensors[index].shape
            }
            if target.isHead, options.replacesHead {
                report.fresh.append(target.name)
                continue
            }
            guard let name, let index = sources[name] else {
                report.missing.append(.init(target: target.name, shape: target.shape, nearest: nil))
                continue
            }
            let tensor = checkpoint.tensors[index]
            guard let fit = ShapeFit(tensor.shape, to: target.shape, inflation: options.inflation) else {
                report.mismatched.append(
                    .init(
                        source: tensor.name, target: target.name, stored: tensor.shape, wanted: target.shape,
                        isHead: target.isHead))
                continue
            }
            if fit == .same {
                report.matched.append(.init(source: tensor.name, target: target.name))
            } else {
                report.reshaped.append(
                    .init(
                        source: tensor.name, target: target.name, stored: tensor.shape, wanted: target.shape, fit: fit))
            }
            if tensor.elementType != .f32 {
                report.converted.append(.init(source: tensor.name, type: tensor.elementType))
            }
            assignments.append(Assignment(source: index, target: number, fit: fit))
        }
        let spare = names.filter { !used.contains($0) }
        for name in spare {
            guard let index = sources[name] else { continue }
            let tensor = checkpoint.tensors[index]
            report.unexpected.append(.init(source: tensor.name, shape: tensor.shape))
        }
        // As many as a person reads: comparing all with all takes its time.
        for index in report.missing.indices.prefix(8) {
            report.missing[index].nearest = nearestName(to: report.missing[index].target, among: spare)
        }
        report.notes = Self.notes(checkpoint, map, network)
        self.report = report
        self.assignments = assignments
        self.storedShapes = storedShapes
    }

    private static func notes(_ checkpoint: Checkpoint, _ map: NameMap, _ network: String) -> [String] {
        var notes: [String] = []
        if let model = checkpoint.metadata["model"], checkpoint.metadata["format"] == "zoetrope", model != network {
            notes.append("the file says that it is of \(model)")
        }
        if let source = map.source, let target = map.target, (source == .vmz) != (target == .vmz) {
            notes.append(
                "batch norms of VMZ add 1e-3 to the variance, those of other origins 1e-5: scores will differ a little")
        }
        return notes
    }

    /// Refuses what was not asked for.
    ///
    /// - Throws: a data `Fault` that names the first tensors that are missing, of another shape, or not the network's.
    public func check() throws(Fault) {
        let mismatched = report.mismatched
        if !mismatched.isEmpty, mismatched.allSatisfy(\.isHead) {
            throw Fault(
                .data, report.path,
                "its head has another number of classes: "
                    + Self.list(mismatched.map { "\($0.source) is \($0.stored), \($0.target) is \($0.wanted)" }),
                mend:
                    "set the network's number of classes to the file's, or start the head anew: model.replace_head=true "
                    + "in a recipe, --replace-head")
        }
        if !mismatched.isEmpty {
            throw Fault(
                .data, report.path,
                "\(mismatched.count) of its tensors have other shapes than those of \(report.network): "
                    + Self.list(mismatched.map { "\($0.source) is \($0.stored), \($0.target) is \($0.wanted)" }),
                mend: Self.inflates(mismatched)
                    ? "is it a network of pictures? Then ask for inflation: model.inflate=\"repeat\" in a recipe, --inflate "
                        + "repeat" : "name the network that the file is of")
        }
        if report.matched.isEmpty, report.reshaped.isEmpty, wanted > 0 {
            let known = report.unexpected.first.map { ", but for example '\($0.source)'" } ?? ""
            throw Fault(
                .data, report.path, "holds none of the \(wanted) tensors of \(report.network)\(known)",
                mend: "name the network that the file is of")
        }
        if !options.allowsMissing, !report.missing.isEmpty {
            throw Fault(
                .data, report.path,
                "lacks \(report.missing.count) of the \(wanted) tensors of \(report.network): "
                    + Self.list(report.missing.map { $0.target + ($0.nearest.map { " (is it '\($0)'?)" } ?? "") }),
                mend:
                    "name the network that the file is of, or let them start anew: model.allow_missing=true in a recipe, "
                    + "--allow-missing")
        }
        if !options.allowsUnexpected, !report.unexpected.isEmpty {
            throw Fault(
                .data, report.path,
                "holds \(report.unexpected.count) tensors that \(report.network) does not have: "
                    + Self.list(report.unexpected.map(\.source)),
                mend:
                    "name the network that the file is of, or leave them out: model.allow_unexpected=true in a recipe, "
                    + "--allow-unexpected")
        }
    }

    /// Whether every mismatch would be one of a network of pictures.
    private static func inflates(_ mismatched: [LoadReport.Mismatch]) -> Bool {
        mismatched.allSatisfy { $0.isHead || ShapeFit($0.stored, to: $0.wanted, inflation: .repeated) != nil }
    }

    private static func list(_ items: [String]) -> String {
        items.prefix(4).joined(separator: ", ") + (items.count > 4 ? " and \(items.count - 4) more" : "")
    }
}
