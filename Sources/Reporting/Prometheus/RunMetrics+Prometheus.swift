public import Wire

extension RunMetrics {
    /// What the coordinator's `/metrics` answers.
    /// - Parameter now: Seconds since 1970.
    public func prometheus(now: Double, process: ProcessUse) -> String {
        var text = PrometheusText()
        addRun(to: &text, now: now)
        addCounts(to: &text)
        addMembers(to: &text)
        process.add(to: &text)
        return text.text
    }

    private func addRun(to text: inout PrometheusText, now: Double) {
        text.add(
            "zoetrope_run_info", .gauge, "What is trained.",
            [.init(1, [("run", facts.name), ("model", facts.model), ("version", facts.version)])])
        text.add("zoetrope_step", .gauge, "Steps that the weights have seen.", step)
        text.add("zoetrope_steps", .gauge, "Steps of the whole run.", facts.steps)
        text.add(
            "zoetrope_epochs", .gauge, "Passes over the data set that the weights have seen.",
            facts.epoch(ofStep: step))
        text.add("zoetrope_loss", .gauge, "Mean loss over the clips of the newest step.", newest?.loss)
        text.add(
            "zoetrope_accuracy_ratio", .gauge, "Share of the newest step's clips that were told right.",
            newest?.accuracy)
        text.add("zoetrope_learning_rate", .gauge, "Of the newest step.", newest?.learningRate)
        text.add(
            "zoetrope_gradient_norm", .gauge, "Of the newest step's mean gradient, before clipping.",
            newest?.gradientNorm)
        text.add(
            "zoetrope_validation_video_top1_ratio", .gauge,
            "Share of videos told right by the newest tested checkpoint.",
            validation.last?.videoTop1)
        text.add(
            "zoetrope_clips_per_second", .gauge, "Clips trained on, over the last steps.",
            pace.clipsPerSecond(now: now))
        text.add("zoetrope_remaining_seconds", .gauge, "Until the last step, at this pace.", remaining(now: now))
        text.add(
            "zoetrope_last_commit_timestamp_seconds", .gauge, "When a step was committed last.", lastCommit ?? began)
        text.add(
            "zoetrope_last_checkpoint_timestamp_seconds", .gauge, "When this coordinator wrote a checkpoint last.",
            counters.newestCheckpointTime)
        text.add(
            "zoetrope_checkpoint_step", .gauge, "Step of the newest checkpoint.",
            status.map { Double($0.newestCheckpoint) })
        text.add(
            "zoetrope_generation", .gauge, "Coordinators that this run has had.", status.map { Double($0.generation) })
        if let status {
            text.add("zoetrope_phase_info", .gauge, "What the cluster is doing.", [.init(1, [("phase", status.phase)])])
        }
        if let shares {
            text.add(
                "zoetrope_time_ratio", .gauge, "Where the workers' time goes, lately; adds up to 1.",
                shares.parts.map { .init($0.value, [("activity", $0.name)]) })
        }
    }

    private func addCounts(to text: inout PrometheusText) {
        text.add("zoetrope_steps_committed_total", .counter, "Steps that this coordinator committed.", counters.steps)
        text.add(
            "zoetrope_steps_replayed_total", .counter, "Steps that were computed again after a rollback.",
            counters.replayedSteps)
        text.add(
            "zoetrope_steps_skipped_total", .counter, "Steps whose gradient was not finite.", counters.skippedSteps)
        text.add("zoetrope_clips_total", .counter, "Clips of committed steps.", counters.clips)
        text.add("zoetrope_step_duration_seconds", "From the first lease of a step to its last gradient.", durations)
        text.add(
            "zoetrope_events_total", .counter, "What happened, by kind.",
            RunEvent.Kind.allCases.map { .init(Double(ring.counts[$0] ?? 0), [("kind", $0.rawValue)]) })
        text.add(
            "zoetrope_connections_turned_away_total", .counter, "Connections that did not get past the handshake.",
            status.map { Double($0.turnedAway) })
        text.add(
            "zoetrope_frames_refused_total", .counter, "Frames that were dropped.",
            status.map { Double($0.refusedFrames) })
    }

    private func addMembers(to text: inout PrometheusText) {
        let members = status?.members ?? []
        let states = ["joining", "active", "suspect", "draining", "leaving"]
        text.add(
            "zoetrope_workers", .gauge, "Workers by state.",
            states.map { state in .init(Double(members.count { $0.state == state }), [("state", state)]) })
        text.add(
            "zoetrope_workers_late", .gauge, "Workers that others may have to wait for.",
            members.count { !$0.late.isEmpty })
        let names = nameCounts
        func add(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (MemberStatus) -> Double) {
            text.add(
                "zoetrope_member_" + name, kind, help, members.map { .init(value($0), label($0, names)) })
        }
        add("late", .gauge, "1 when others may have to wait for it.") { $0.late.isEmpty ? 0 : 1 }
        add("silent_seconds", .gauge, "Since its last message.", \.silentSeconds)
        add("units_per_second", .gauge, "Gradient units, over its last leases.", \.unitsPerSecond)
        add("chunks", .gauge, "Parts of the parameters that it owns.") { Double($0.chunks) }
        add("units_total", .counter, "Gradient units computed.") { Double($0.progress.units) }
        add("resident_memory_bytes", .gauge, "Its memory.") { Double($0.progress.residentBytes) }
        add("sent_bytes_total", .counter, "To the coordinator and to other workers.") { Double($0.progress.bytesSent) }
        add("received_bytes_total", .counter, "From the coordinator and from other workers.") {
            Double($0.progress.bytesReceived)
        }
        text.add(
            "zoetrope_member_seconds_total", .counter, "Where its time went.",
            members.flatMap { member in
                member.progress.time.parts.map { .init($0.value, label(member, names) + [("activity", $0.name)]) }
            })
    }

    /// What tells a worker's series from the others'.
    public func labels(_ member: MemberStatus) -> [(String, String)] { label(member, nameCounts) }

    private var nameCounts: [String: Int] {
        Dictionary((status?.members ?? []).map { ($0.name, 1) }, uniquingKeysWith: +)
    }

    /// Names need not be unique, series must be.
    private func label(_ member: MemberStatus, _ names: [String: Int]) -> [(String, String)] {
        let isUnique = names[member.name] == 1
        return [
            ("worker", isUnique ? member.name : "\(member.name)-\(String(member.incarnation, radix: 16))"),
            ("host", member.host),
        ]
    }
}

extension TimeSplit {
    /// Its parts by name.
    public var parts: [(name: String, value: Double)] {
        [("decode", decode), ("compute", compute), ("push", push), ("pull", pull), ("wait", wait)]
    }
}

extension Progress {
    /// What a worker's own `/metrics` answers.
    public func prometheus(worker: String, process: ProcessUse) -> String {
        var text = PrometheusText()
        text.add("zoetrope_worker_info", .gauge, "Who this is.", [.init(1, [("worker", worker)])])
        text.add("zoetrope_worker_step", .gauge, "Steps that its weights have seen.", step)
        text.add("zoetrope_worker_units_total", .counter, "Gradient units computed since it was taken in.", units)
        text.add("zoetrope_worker_clips_ahead", .gauge, "Clips that wait decoded.", decodedAhead)
        text.add(
            "zoetrope_worker_seconds_total", .counter, "Where its time went since it was taken in.",
            time.parts.map { .init($0.value, [("activity", $0.name)]) })
        text.add(
            "zoetrope_worker_decoding_seconds_total", .counter, "Of its decode threads, all together.",
            [.init(decoding)])
        text.add(
            "zoetrope_worker_sent_bytes_total", .counter, "To the coordinator and to other workers.",
            [.init(Double(bytesSent))])
        text.add(
            "zoetrope_worker_received_bytes_total", .counter, "From the coordinator and from other workers.",
            [.init(Double(bytesReceived))])
        process.add(to: &text)
        return text.text
    }
}
