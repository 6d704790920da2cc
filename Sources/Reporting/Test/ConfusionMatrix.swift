/// The confusion matrix as a picture: counts in the cells where they fit, names at the sides where they can be read.
struct ConfusionMatrix {
    private let report: TestReport
    /// Classes that occur: a matrix of 400 with 50 in it would be empty.
    private let shown: [Int]

    private static let side = 720.0
    private static let mostNames = 64
    private static let mostCounts = 24

    init(_ report: TestReport) {
        self.report = report
        let occurring = Set(report.confusion.flatMap { [$0.label, $0.prediction] })
        shown = report.classes.indices.filter { report.classes[$0].videos > 0 || occurring.contains($0) }
    }

    var svg: String {
        guard !shown.isEmpty else { return "" }
        let cell = Self.side / Double(shown.count)
        let named = shown.count <= Self.mostNames
        let letters = named ? shown.map { min(24, report.classes[$0].name.count) }.max() ?? 0 : 0
        let size = min(12, max(7.5, cell * 0.7))
        let margin = named ? Double(letters) * size * 0.58 + 10 : 4
        let place = Dictionary(uniqueKeysWithValues: shown.enumerated().map { ($1, $0) })
        var out = """
            <svg viewBox="0 0 \(tenths(Self.side + margin + 2)) \(tenths(Self.side + margin + 2))" \
            width="\(Int(Self.side + margin))" role="img" aria-label="confusion matrix">
            <g transform="translate(\(tenths(margin)) \(tenths(margin)))">
            <rect class="frame" width="\(Int(Self.side))" height="\(Int(Self.side))"/>

            """
        for entry in report.confusion {
            guard let row = place[entry.label], let column = place[entry.prediction] else { continue }
            out += self.cell(entry, row: row, column: column, size: cell)
        }
        if named {
            for (i, k) in shown.enumerated() {
                let middle = (Double(i) + 0.5) * cell
                let name = escapedForHTML(shortened(report.classes[k].name))
                let style = "font-size=\"\(tenths(size))\" class=\"soft\""
                out += """
                    <text x="-6" y="\(tenths(middle + size * 0.35))" text-anchor="end" \(style)>\(name)</text>
                    <text transform="translate(\(tenths(middle + size * 0.35)) -6) rotate(-90)" \(style)>\(name)</text>

                    """
            }
        }
        return out + "</g></svg>"
    }

    private func cell(_ entry: TestReport.Cell, row: Int, column: Int, size: Double) -> String {
        let (label, prediction) = (report.classes[entry.label], report.classes[entry.prediction])
        let strength = confusionStrength(entry.videos, of: label.videos)
        let (x, y) = (Double(column) * size, Double(row) * size)
        let tip = "\(label.name) taken for \(prediction.name): \(entry.videos) of \(label.videos)"
        var out = """
            <rect x="\(tenths(x))" y="\(tenths(y))" width="\(tenths(size))" height="\(tenths(size))" \
            class="\(row == column ? "right" : "wrong")" fill-opacity="\((100 * strength).rounded() / 100)">\
            <title>\(escapedForHTML(tip))</title></rect>

            """
        if shown.count <= Self.mostCounts {
            let letter = min(15, size * 0.42)
            out += """
                <text x="\(tenths(x + size / 2))" y="\(tenths(y + size / 2 + letter * 0.36))" text-anchor="middle" \
                font-size="\(tenths(letter))" class="\(strength > 0.6 ? "on" : "")" pointer-events="none">\(entry.videos)</text>

                """
        }
        return out
    }

    private func shortened(_ name: String) -> String {
        name.count <= 24 ? name : String(name.prefix(23)) + "…"
    }
}

/// The recall of each class as a bar, the worst first: how even a network is.
struct RecallChart {
    private let recalls: [(name: String, recall: Double)]

    private static let (width, height) = (1150.0, 180.0)

    init(_ report: TestReport) {
        recalls = report.classes.compactMap { row in row.recall.map { (row.name, $0) } }
            .enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
            .map { (name: $0.element.0, recall: $0.element.1) }
    }

    var svg: String {
        guard !recalls.isEmpty else { return "" }
        let (left, top) = (44.0, 8.0)
        let step = (Self.width - left) / Double(recalls.count)
        let gap = step > 4 ? min(4, step * 0.15) : 0
        var out = """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height + top + 8))" width="\(Int(Self.width))" role="img" \
            aria-label="recall of each class">

            """
        for tick in [0, 25, 50, 75, 100] {
            let y = top + Self.height * (1 - Double(tick) / 100)
            out += """
                <line class="grid" x1="\(Int(left))" x2="\(Int(Self.width))" y1="\(tenths(y))" y2="\(tenths(y))"/>
                <text class="soft" x="\(Int(left) - 6)" y="\(tenths(y + 4))" text-anchor="end" font-size="12">\(tick) %</text>

                """
        }
        for (i, entry) in recalls.enumerated() {
            let height = max(1, Self.height * entry.recall)
            out += """
                <rect class="right" x="\(tenths(left + Double(i) * step + gap / 2))" y="\(tenths(top + Self.height - height))" \
                width="\(tenths(max(0.6, step - gap)))" height="\(tenths(height))">\
                <title>\(escapedForHTML(entry.name)): \(tenths(100 * entry.recall)) %</title></rect>

                """
        }
        return out + "</svg>"
    }
}
