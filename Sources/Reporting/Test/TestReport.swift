/// What the page about a test shows.
public struct TestReport: Sendable {
    /// A figure at the top: `video@1`, `76.94 %`, `95 %: 75.1 to 78.6`.
    public struct Figure: Sendable {
        public var name: String
        public var value: String
        public var detail: String

        public init(_ name: String, _ value: String, _ detail: String = "") {
            (self.name, self.value, self.detail) = (name, value, detail)
        }
    }

    /// Fractions in 0...1, nil where there is nothing to take a fraction of.
    public struct PerClass: Sendable {
        public var name: String
        public var videos: Int
        public var recall: Double?
        public var recall5: Double?
        public var precision: Double?

        public init(name: String, videos: Int, recall: Double?, recall5: Double?, precision: Double?) {
            (self.name, self.videos, self.recall) = (name, videos, recall)
            (self.recall5, self.precision) = (recall5, precision)
        }
    }

    /// Videos of one class that were taken for another, or for itself.
    public struct Cell: Sendable {
        public var label: Int
        public var prediction: Int
        public var videos: Int

        public init(label: Int, prediction: Int, videos: Int) {
            (self.label, self.prediction, self.videos) = (label, prediction, videos)
        }
    }

    public var title: String
    public var figures: [Figure]
    /// What was tested and how: `model`, `slowfast/SLOWFAST_8x8_R50`.
    public var facts: [(String, String)]
    public var classes: [PerClass]
    /// Every pair that occurs.
    public var confusion: [Cell]
    /// Pairs of different classes, the worst first.
    public var worst: [Cell]
    /// Videos that could not be tested, and why.
    public var untested: [(video: String, reason: String)]
    /// The whole recipe.
    public var recipe: String

    public init(
        title: String, figures: [Figure], facts: [(String, String)], classes: [PerClass], confusion: [Cell],
        worst: [Cell], untested: [(video: String, reason: String)], recipe: String
    ) {
        (self.title, self.figures, self.facts, self.classes) = (title, figures, facts, classes)
        (self.confusion, self.worst, self.untested, self.recipe) = (confusion, worst, untested, recipe)
    }

    /// One file that needs no other: styles and pictures are in it, for light and dark.
    public var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escapedForHTML(title))</title>
        <style>\(Self.style)</style>
        </head>
        <body>
        <main>
        <h1>\(escapedForHTML(title))</h1>
        <dl class="facts">\(facts.map { "<dt>\(escapedForHTML($0.0))</dt><dd>\(escapedForHTML($0.1))</dd>" }.joined())</dl>
        <section class="figures">
        \(figures.map(card).joined(separator: "\n"))
        </section>
        \(untestedSection)
        <h2>Confusion matrix</h2>
        <p class="note">A row is a class, a column what its videos were taken for. Blue: right. Orange: wrong. The stronger, \
        the larger the share of the class's videos.</p>
        <div class="matrix">
        \(ConfusionMatrix(self).svg)
        \(worstTable)
        </div>
        <h2>Recall of the classes, the worst first</h2>
        \(RecallChart(self).svg)
        <h2>Classes</h2>
        \(classTable)
        <details><summary>Recipe of the test</summary><pre>\(escapedForHTML(recipe))</pre></details>
        </main>
        </body>
        </html>

        """
    }

    private func card(_ figure: Figure) -> String {
        """
        <div class="figure"><span class="name">\(escapedForHTML(figure.name))</span>\
        <span class="value">\(escapedForHTML(figure.value))</span><span class="detail">\(escapedForHTML(figure.detail))</span></div>
        """
    }

    private var untestedSection: String {
        guard !untested.isEmpty else { return "" }
        return """
            <section class="untested"><h2>\(untested.count) videos could not be tested and count as wrong</h2>
            <ul>\(untested.map { "<li><b>\(escapedForHTML($0.video))</b>: \(escapedForHTML($0.reason))</li>" }.joined())</ul></section>
            """
    }

    private var worstTable: String {
        guard !worst.isEmpty else { return "" }
        let rows = worst.map { cell in
            """
            <tr><td>\(escapedForHTML(classes[cell.label].name))</td><td>\(escapedForHTML(classes[cell.prediction].name))</td>\
            <td class="number">\(cell.videos) of \(classes[cell.label].videos)</td></tr>
            """
        }
        return """
            <table class="worst"><caption>Most often confused</caption>
            <thead><tr><th>class</th><th>taken for</th><th class="number">videos</th></tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table>
            """
    }

    private var classTable: String {
        let rows = classes.indices.filter { classes[$0].videos > 0 || classes[$0].precision != nil }.map { k in
            let row = classes[k]
            return """
                <tr><td>\(escapedForHTML(row.name))</td><td class="number">\(row.videos)</td>\
                \(bar(row.recall))\(bar(row.recall5))\(bar(row.precision))</tr>
                """
        }
        return """
            <table class="classes">
            <thead><tr><th>class</th><th class="number">videos</th><th>recall</th><th>recall of the first five</th>\
            <th>precision</th></tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table>
            """
    }

    private func bar(_ fraction: Double?) -> String {
        guard let fraction else { return "<td class=\"bar\"><span class=\"none\">none</span></td>" }
        return """
            <td class="bar"><span class="track"><span style="width:\(tenths(100 * fraction))%"></span></span>\
            <span class="percent">\(tenths(100 * fraction))&thinsp;%</span></td>
            """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6572;--paper:#fff;--panel:#f4f6f8;--line:#d8dde3;\
        --right:#1f6fc4;--wrong:#d9591c;--on:#fff}
        @media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--paper:#14171b;--panel:#1d2229;\
        --line:#343c46;--right:#5aa5f2;--wrong:#f08a4b;--on:#0d1014}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",\
        "DejaVu Sans",sans-serif}
        main{max-width:1200px;margin:0 auto;padding:28px 24px 60px}
        h1{font-size:26px;margin:0 0 12px}
        h2{font-size:19px;margin:36px 0 8px}
        .facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0 0 20px}
        .facts dt{color:var(--soft)} .facts dd{margin:0;overflow-wrap:anywhere}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px}
        .figure{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px 14px;display:flex;\
        flex-direction:column}
        .name{color:var(--soft)} .value{font-size:26px;font-weight:600;font-variant-numeric:tabular-nums}
        .detail{color:var(--soft);font-size:13px}
        .note{color:var(--soft);margin:0 0 12px;max-width:80ch}
        .matrix{display:flex;flex-wrap:wrap;gap:28px;align-items:flex-start}
        svg{max-width:100%;height:auto} svg text{fill:var(--ink);font-family:inherit}
        svg .soft{fill:var(--soft)} svg .on{fill:var(--on)} svg .right{fill:var(--right)} svg .wrong{fill:var(--wrong)}
        svg .frame{fill:none;stroke:var(--line)} svg .grid{stroke:var(--line)}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        caption{text-align:left;font-weight:600;padding-bottom:6px}
        th{text-align:left;color:var(--soft);font-weight:500}
        th,td{padding:4px 12px 4px 0;border-bottom:1px solid var(--line);vertical-align:middle}
        .number{text-align:right;white-space:nowrap}
        .classes{width:100%} .bar{white-space:nowrap;width:24%}
        .track{display:inline-block;width:calc(100% - 84px);height:9px;background:var(--panel);border-radius:3px;\
        vertical-align:middle;overflow:hidden;outline:1px solid var(--line)}
        .track span{display:block;height:100%;background:var(--right)}
        .percent{display:inline-block;width:76px;text-align:right} .none{color:var(--soft)}
        .untested{border-left:4px solid var(--wrong);padding-left:16px} .untested h2{margin-top:28px}
        details{margin-top:36px} summary{cursor:pointer} pre{background:var(--panel);border:1px solid var(--line);\
        border-radius:8px;padding:14px;overflow:auto;font-size:13px}
        """
}
