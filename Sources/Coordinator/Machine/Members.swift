internal import Wire

/// The workers that a coordinator knows, in the order in which they came, so that nothing depends on a dictionary's.
///
/// Looking one up and changing it takes the same time however many there are; going through all sorts nothing.
struct Members: Sendable {
    /// In the order in which they came.
    private(set) var order: [Incarnation] = []
    /// By place in `order`; nil only while a place is being filled or emptied.
    private var entries: [Member?] = []
    private var places: [Incarnation: Int] = [:]

    var count: Int { order.count }

    /// Setting one that is not there adds it at the end; setting nil removes it.
    subscript(worker: Incarnation) -> Member? {
        get { places[worker].flatMap { entries[$0] } }
        _modify {
            let place = places[worker] ?? add(worker)
            defer { if entries[place] == nil { remove(at: place) } }
            yield &entries[place]
        }
    }

    /// In order.
    func filter(_ isWanted: (Member) -> Bool) -> [Incarnation] {
        zip(order, entries).compactMap { worker, member in member.map(isWanted) == true ? worker : nil }
    }

    /// In order.
    func map<T>(_ body: (Incarnation, Member) -> T) -> [T] {
        zip(order, entries).compactMap { worker, member in member.map { body(worker, $0) } }
    }

    func allSatisfy(_ holds: (Member) -> Bool) -> Bool { entries.allSatisfy { $0.map(holds) ?? true } }

    /// Changes every member.
    mutating func update(_ body: (inout Member) -> Void) {
        func change(_ entry: inout Member?) {
            guard var member = entry.take() else { return }
            body(&member)
            entry = member
        }
        for place in entries.indices { change(&entries[place]) }
    }

    private mutating func add(_ worker: Incarnation) -> Int {
        places[worker] = order.count
        order.append(worker)
        entries.append(nil)
        return order.count - 1
    }

    private mutating func remove(at place: Int) {
        places[order[place]] = nil
        order.remove(at: place)
        entries.remove(at: place)
        for later in place..<order.count { places[order[later]] = later }
    }
}
