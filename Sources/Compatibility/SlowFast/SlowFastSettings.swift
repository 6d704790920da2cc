import Faults

/// The values that a PySlowFast run would have: its defaults, a YAML file over them, options over both. Readers take one
/// at a time; what is wrong with a value is collected, and the default stands in for it meanwhile.
struct SlowFastSettings {
    struct Entry {
        let value: Literal
        /// As it was written, where that is one word.
        let text: String?
        /// `config.yaml:12`, or `--opts`.
        let place: String
    }

    private(set) var entries: [String: Entry] = [:]
    var refusals = Refusals()
    /// The file's name, for what nobody wrote.
    let name: String

    /// - Parameters:
    ///   - text: The YAML file.
    ///   - options: Keys and values in turn, as `--opts` takes them.
    /// - Throws: `Fault.usage` when the file is not YAML. Keys and values that make no sense are collected.
    init(text: String, name: String, options: [String]) throws(Fault) {
        self.name = name
        for setting in try YAMLSettings(text: text, name: name).settings {
            take(setting.key, Entry(value: setting.value, text: setting.text, place: "\(name):\(setting.line)"))
        }
        for index in stride(from: 0, to: options.count, by: 2) {
            let key = options[index]
            guard index + 1 < options.count else {
                refusals.add("--opts", key, "has no value", mend: "write keys and values in turn")
                break
            }
            let text = options[index + 1]
            take(key, Entry(value: Literal(python: text) ?? .string(text), text: text, place: "--opts"))
        }
    }

    private mutating func take(_ key: String, _ entry: Entry) {
        guard let known = SlowFastKey.byName[key] else { return unknown(key, entry) }
        var entry = entry
        if case .string = known.standard, let text = entry.text {
            // A folder may be called 2020. Quoted, the text is without its quotation marks.
            if case .string = entry.value {
            } else {
                entry = Entry(value: .string(text), text: text, place: entry.place)
            }
        }
        guard known.takes(entry.value) else {
            return refusals.add(
                entry.place, key, "is \(entry.value.kind) (\(entry.value)), not \(known.standard.kind)",
                mend: "its default is \(known.standard)")
        }
        entries[key] = entry
    }

    private mutating func unknown(_ key: String, _ entry: Entry) {
        if SlowFastKey.sections.contains(key) {
            return refusals.add(entry.place, key, "is a section, not a key", mend: "write its keys below it")
        }
        let section = key.split(separator: ".").dropLast().joined(separator: ".")
        let reason =
            section.isEmpty || SlowFastKey.sections.contains(section)
            ? "PySlowFast has no such key" : "PySlowFast has no section \(section)"
        refusals.add(
            entry.place, key, reason,
            mend: nearestName(to: key, among: SlowFastKey.byName.keys.sorted()).map { "did you mean \($0)?" } ?? "")
    }

    /// What `key` is. A key that no table has is a mistake of ours.
    func value(_ key: String) -> Literal { entries[key]?.value ?? standard(key) }

    private func standard(_ key: String) -> Literal {
        guard let known = SlowFastKey.byName[key] else { preconditionFailure("\(key) is not PySlowFast's") }
        return known.standard
    }

    func place(_ key: String) -> String { entries[key]?.place ?? "PySlowFast's default" }

    /// Refuses the value of `key`.
    mutating func refuse(_ key: String, _ reason: String, mend: String = "") {
        refusals.add(place(key), "\(key) \(value(key))", reason, mend: mend)
    }

    /// - Returns: The value, or `standard` when it was refused.
    private mutating func read<T>(_ key: String, _ range: ClosedRange<T>, _ convert: (Literal) -> T?) -> T? {
        guard let number = convert(value(key)) else {
            refuse(key, "is no value here", mend: "its default is \(standard(key))")
            return convert(standard(key))
        }
        guard range.contains(number) else {
            refuse(key, "is outside \(range)")
            return convert(standard(key))
        }
        return number
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int {
        read(key, range) { if case .integer(let number) = $0 { number } else { nil } } ?? range.lowerBound
    }

    mutating func real(_ key: String, in range: ClosedRange<Double>) -> Double {
        read(key, range) { $0.number } ?? range.lowerBound
    }

    /// `nil` for None.
    mutating func optionalReal(_ key: String, in range: ClosedRange<Double>) -> Double? {
        value(key) == .none ? nil : real(key, in: range)
    }

    mutating func flag(_ key: String) -> Bool {
        if case .boolean(let flag) = value(key) { return flag }
        refuse(key, "is neither True nor False")
        return false
    }

    mutating func string(_ key: String) -> String {
        if case .string(let text) = value(key) { return text }
        refuse(key, "is no string")
        return ""
    }

    /// A list of as many numbers as `count` says.
    mutating func reals(_ key: String, count: ClosedRange<Int>, in range: ClosedRange<Double>) -> [Double] {
        if case .list(let values) = value(key), count.contains(values.count) {
            let numbers = values.compactMap(\.number).filter(range.contains)
            if numbers.count == values.count { return numbers }
        }
        let many = count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "\(count)"
        refuse(key, "is no list of \(many) numbers in \(range)")
        return []
    }
}

extension Literal {
    /// The number that this is.
    var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .real(let number): number
        default: nil
        }
    }

    /// All that is no list, in order, however deep.
    var leaves: [Literal] {
        if case .list(let values) = self { values.flatMap(\.leaves) } else { [self] }
    }

    /// The values of a list; itself otherwise.
    var elements: [Literal] {
        if case .list(let values) = self { values } else { [self] }
    }
}
