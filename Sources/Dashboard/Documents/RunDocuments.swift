import Reporting
import Wire

/// What the page asks for, as JSON.
extension RunMetrics {
    /// What does not change while the run goes on.
    /// - Parameter takesOrders: Whether a token opens the buttons.
    func factsDocument(takesOrders: Bool) -> JSON {
        [
            "name": .string(facts.name), "model": .string(facts.model), "steps": .integer(facts.steps),
            "clips_per_step": .integer(facts.clipsPerStep), "units": .integer(facts.units),
            "epochs": facts.epoch(ofStep: facts.steps).map(JSON.number) ?? .null, "version": .string(facts.version),
            "folder": .string(facts.folder), "began": .number(began),
            "facts": .array(facts.facts.map { .array([.string($0.name), .string($0.value)]) }),
            "recipe": .string(facts.recipe), "takes_orders": .boolean(takesOrders),
        ]
    }

    /// Where the run is and who is here.
    func stateDocument(now: Double) -> JSON {
        [
            "now": .number(now), "phase": .string(status?.phase ?? "starting"), "step": .integer(step),
            "epoch": facts.epoch(ofStep: step).map(JSON.number) ?? .null,
            "steps": .integer(facts.steps), "generation": .integer(Int(clamping: status?.generation ?? 0)),
            "checkpoint": status.map { .integer($0.newestCheckpoint) } ?? .null,
            "newest": newest.map(document) ?? .null,
            "clips_per_s": number(pace.clipsPerSecond(now: now)),
            "seconds_per_step": number(pace.secondsPerStep(now: now)), "remaining_s": number(remaining(now: now)),
            "last_commit": lastCommit.map(JSON.number) ?? .null, "shares": shares.map(document) ?? .null,
            "waiting_for": .array(waitingLines.map(JSON.string)),
            "turned_away": .integer(status?.turnedAway ?? 0), "refused_frames": .integer(status?.refusedFrames ?? 0),
            "ending": ending.map { ["code": .integer($0.code), "reason": .string($0.reason)] } ?? .null,
            (isCrowd ? "crowd" : "members"): .array((status?.members ?? []).map { isCrowd ? row($0) : document($0) }),
            "validation": .array(
                validation.suffix(512).map { .array([.integer($0.step), short($0.videoTop1), .boolean($0.isBest)]) }),
        ]
    }

    /// So many workers are shown as squares, and told each second in short: the whole of a thousand would be half a megabyte.
    private var isCrowd: Bool { (status?.members ?? []).count > Self.mostTiles }
    static let mostTiles = 24

    /// As many lines as somebody reads.
    private var waitingLines: [String] {
        let lines = status?.waitingFor ?? []
        return lines.count <= 40 ? lines : lines.prefix(39) + ["and \(lines.count - 39) more"]
    }

    /// The whole of the members of those incarnations, in hexadecimal with commas between; who is not here is left out.
    func membersDocument(_ list: some StringProtocol) -> JSON {
        let wanted = Set(list.split(separator: ",").prefix(Self.mostTiles).compactMap { Incarnation($0, radix: 16) })
        return .array((status?.members ?? []).filter { wanted.contains($0.incarnation) }.map(document))
    }

    /// Of units as those of the newest step: with multigrid, those of others have more clips, or fewer.
    private func clipsPerSecond(of member: MemberStatus) -> Double {
        member.unitsPerSecond * Double(newest?.clips ?? facts.clipsPerStep) / Double(max(1, facts.units))
    }

    /// A worker among many.
    private func row(_ member: MemberStatus) -> JSON {
        .array([
            .string(String(member.incarnation, radix: 16)), .string(member.name), .string(member.host),
            .string(member.state), short(clipsPerSecond(of: member)), .string(member.late),
        ])
    }

    private func document(_ point: StepPoint) -> JSON {
        [
            "step": .integer(point.step), "loss": .number(point.loss), "accuracy": .number(point.accuracy),
            "learning_rate": short(point.learningRate), "gradient_norm": short(point.gradientNorm),
            "skipped": .boolean(point.isSkipped),
        ]
    }

    private func document(_ split: TimeSplit) -> JSON { .object(split.parts.map { ($0.name, short($0.value)) }) }

    private func document(_ member: MemberStatus) -> JSON {
        let cost = costs[member.incarnation]
        return [
            "id": .string(String(member.incarnation, radix: 16)), "name": .string(member.name),
            "host": .string(member.host), "pid": .integer(member.process), "threads": .integer(member.threads),
            "state": .string(member.state), "late": .string(member.late), "chunks": .integer(member.chunks),
            "units": .array(member.leases.map { .string($0.size == 1 ? "\($0.first)" : "\($0.first)–\($0.end - 1)") }),
            "clips_per_s": short(clipsPerSecond(of: member)),
            "silent_s": short(member.silentSeconds), "step": .integer(member.progress.step),
            "activity": .string("\(member.progress.activity)"),
            "memory": .integer(member.progress.residentBytes), "ahead": .integer(member.progress.decodedAhead),
            "sending": short(cost?.sending ?? 0), "receiving": short(cost?.receiving ?? 0),
            "shares": cost?.shares.map(document) ?? .null,
        ]
    }

    /// Events after that number, in order.
    func eventsDocument(after number: Int) -> JSON {
        .array(
            ring.events.filter { $0.number > number }.map { event in
                [
                    "number": .integer(event.number), "time": .number(event.time), "kind": .string(event.kind.rawValue),
                    "bad": .boolean(event.kind.isBad), "text": .string(event.text),
                ]
            })
    }

    /// The workers' own `/metrics`, in the words of Prometheus' `http_sd_configs`.
    var targetsDocument: JSON {
        // What is no address does not come any further: a worker's word must send nobody anywhere else.
        let members = (status?.members ?? []).filter { (try? DashboardAddress($0.metrics, about: $0.name)) != nil }
        return .array(
            members.map { member in
                [
                    "targets": .array([.string(member.metrics)]),
                    "labels": .object(labels(member).map { ($0.0, .string($0.1)) }),
                ]
            })
    }

    /// The curves by name.
    var curves: [(name: String, curve: Curve)] {
        [
            ("loss", loss), ("accuracy", accuracy), ("learning_rate", learningRate), ("gradient_norm", gradientNorm),
            ("clips_per_s", clipsPerSecond),
        ]
    }
}

/// Which part of the curves somebody has: the rest is all that has to be told.
struct CurveCursor: Sendable, Equatable {
    private var known: [String: Curve] = [:]

    /// What is new since the last call: by curve its width, the first bucket that is told (those from there on are to be
    /// forgotten), and buckets as [index, mean, least, greatest].
    /// - Returns: nil when nothing is.
    mutating func news(_ curves: [(name: String, curve: Curve)]) -> JSON? {
        var members: [(String, JSON)] = []
        for (name, curve) in curves where known[name] != curve {
            let before = known[name]
            known[name] = curve
            var from = 0
            if let before, before.width == curve.width {
                let same = zip(before.buckets, curve.buckets).prefix { $0 == $1 }.count
                from = same
            }
            members.append((name, document(curve, from: from)))
        }
        return members.isEmpty ? nil : .object(members)
    }

    private func document(_ curve: Curve, from: Int) -> JSON {
        [
            "width": .integer(curve.width), "from": .integer(from),
            "points": .array(
                curve.buckets[from...].map {
                    .array([.integer($0.index), short($0.mean), short($0.least), short($0.greatest)])
                }),
        ]
    }
}

/// Seven digits are more than a picture shows.
private func short(_ value: Double) -> JSON { .number(Double("\(Float(value))") ?? .nan) }

private func number(_ value: Double?) -> JSON { value.map(short) ?? .null }
