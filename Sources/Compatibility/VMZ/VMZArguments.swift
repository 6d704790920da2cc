import Faults

/// The flags that a program of VMZ was given, over its defaults.
struct VMZArguments {
    let tool: VMZTool
    private(set) var given: [String: Literal] = [:]
    var refusals = Refusals()
    private let known: [String: VMZFlag]

    /// - Parameter words: `--flag=value`, or `--flag value`.
    init(_ tool: VMZTool, _ words: [String]) {
        self.tool = tool
        known = Dictionary(VMZFlag.all(of: tool).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                refusals.add(tool.rawValue, word, "belongs to no flag", mend: "write --flag=value")
                continue
            }
            let flag = word.dropFirst(2)
            let name = String(flag.prefix { $0 != "=" })
            if flag.count > name.count {
                take(name, String(flag.dropFirst(name.count + 1)))
            } else if let value = rest.popFirst() {
                take(name, value)
            } else {
                refusals.add(tool.rawValue, word, "has no value")
            }
        }
        for flag in VMZFlag.all(of: tool) {
            if flag.isRequired, given[flag.name] == nil {
                refusals.add(tool.rawValue, "--\(flag.name)", "is missing")
            }
            guard case .limited(let values, let reason, _) = flag.treatment else { continue }
            let allowed = values.isEmpty ? [flag.standard] : values
            if !allowed.contains(value(flag.name)) {
                refuse(
                    flag.name, reason, mend: "it can only be \(allowed.map(\.description).joined(separator: " or "))")
            }
        }
    }

    private mutating func take(_ name: String, _ text: String) {
        guard let flag = known[name] else {
            let near = nearestName(to: name, among: known.keys.sorted())
            refusals.add(
                tool.rawValue, "--\(name)", "VMZ's \(tool.rawValue) has no such flag",
                mend: near.map { "did you mean --\($0)?" } ?? "")
            return
        }
        switch flag.standard {
        case .none, .string: given[name] = .string(text)
        case .integer where Int(text) != nil: given[name] = Int(text).map(Literal.integer)
        case .real where Double(text)?.isFinite == true: given[name] = Double(text).map(Literal.real)
        default: refusals.add(tool.rawValue, "--\(name)", "'\(text)' is not \(flag.standard.kind)")
        }
    }

    func value(_ name: String) -> Literal { given[name] ?? known[name]?.standard ?? .none }

    /// Where a value comes from, for the recipe.
    func origin(_ name: String) -> String { given[name] == nil ? "VMZ's default" : "--\(name)" }

    mutating func refuse(_ name: String, _ reason: String, mend: String = "") {
        let value = value(name)
        let text = if case .string(let text) = value { text } else { value.description }
        refusals.add(tool.rawValue, "--\(name)=\(text)", reason, mend: mend)
    }

    /// Whole numbers outside `range` are refused; the default stands in for them.
    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
        guard case .integer(let number) = value(name) else { return range.lowerBound }
        if !range.contains(number) { refuse(name, "is outside \(range)") }
        return min(max(number, range.lowerBound), range.upperBound)
    }

    mutating func real(_ name: String, in range: ClosedRange<Double>) -> Double {
        guard case .real(let number) = value(name) else { return range.lowerBound }
        if !range.contains(number) { refuse(name, "is outside \(range)") }
        return min(max(number, range.lowerBound), range.upperBound)
    }

    /// 0 or 1.
    mutating func flag(_ name: String) -> Bool { integer(name, in: 0...1) == 1 }

    /// `nil` when there is none.
    func text(_ name: String) -> String? { if case .string(let text) = value(name) { text } else { nil } }

    /// Flags that were given and are of no matter.
    var immaterial: [String] {
        given.keys.filter { if case .immaterial? = known[$0]?.treatment { true } else { false } }.sorted().map {
            "--\($0)"
        }
    }
}
