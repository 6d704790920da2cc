public import Faults

/// The table of all networks in docs/models.md.
public enum ModelTable {
    /// What stands around the table in docs/models.md.
    public static let marks = (
        begin: "<!-- zoetrope model list --markdown: begin -->", end: "<!-- zoetrope model list --markdown: end -->"
    )

    /// Every network at the clip that it was published with, and at each clip that a figure is published for.
    public static func markdown() throws(Fault) -> String {
        var lines = [
            "| network | clip | parameters | weights | GMAC | activations | published | GMAC | compared | source |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for name in NetworkDescription.names {
            let figures = PublishedFigure.all.filter { $0.name == name }
            let clip = try NetworkDescription.publishedClip(named: name)
            if !figures.contains(where: { $0.frames == clip.frames && $0.size == clip.size && $0.options == .init() }) {
                let network = try NetworkDescription(
                    named: name, classes: 400, frames: clip.frames, size: clip.size)
                lines.append(row(network, clip: describe(clip.frames, clip.size, .init()), ["", "", "", ""]))
            }
            for figure in figures { lines.append(try row(figure)) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ figure: PublishedFigure) throws(Fault) -> String {
        let network = try figure.network
        let macs = figure.macsAgreement(network)
        let verdict =
            figure.parameterAgreement(network) == .different ? Agreement.different : macs ?? .equal
        return row(
            network, clip: describe(figure.frames, figure.size, figure.options),
            [
                figure.millions.map { "\($0) M" + (figure.parameters == .weights ? " weights" : "") } ?? "",
                figure.gigaMACs ?? "", verdict == .different ? figure.difference ?? verdict.rawValue : verdict.rawValue,
                figure.source.rawValue,
            ])
    }

    private static func row(_ network: NetworkDescription, clip: String, _ published: [String]) -> String {
        let ours = [
            network.name, clip, "\(network.parameterCount)", "\(network.weights)", thousandths(network.macs, of: 1e9),
            thousandths(network.activations, of: 1e6) + " M",
        ]
        return "| " + (ours + published).joined(separator: " | ") + " |"
    }

    private static func describe(_ frames: Int, _ size: Int, _ options: NetworkOptions) -> String {
        "\(frames)x\(size)x\(size)" + (options.pool1 ? ", pool1" : "")
            + (options.head == .convolutional ? ", convolutional head" : "")
    }

    /// With three digits behind the point.
    private static func thousandths(_ value: Int, of unit: Double) -> String {
        let whole = Int((Double(value) / unit * 1000).rounded())
        let rest = String(whole % 1000)
        return "\(whole / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
