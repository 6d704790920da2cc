/// The candidate that a mistyped `name` most likely meant, or `nil` when none is close.
///
/// Close means an optimal-string-alignment distance (insert, delete, replace, swap neighbours) of at most a third of
/// the longer name, and at least 2. Ties go to the earlier candidate.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(Array(name.lowercased()), Array(candidate.lowercased()))
        if distance <= max(2, max(name.count, candidate.count) / 3), distance < best?.distance ?? .max {
            best = (candidate, distance)
        }
    }
    return best?.name
}

/// `"; did you mean 'x'?"`-style advice for an unknown name, or the whole list when nothing is near.
public func advice(for name: String, among candidates: some Collection<String>) -> String {
    if let near = nearestName(to: name, among: candidates) { return "did you mean '\(near)'?" }
    return "known are \(candidates.sorted().joined(separator: ", "))"
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var row = [i + 1] + [Int](repeating: 0, count: b.count)
        for (j, y) in b.enumerated() {
            row[j + 1] = min(row[j] + 1, last[j + 1] + 1, last[j] + (x == y ? 0 : 1))
            if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
