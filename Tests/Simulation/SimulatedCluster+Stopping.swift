import Coordinator
import Wire

/// Somebody stops the run again and again, and begins it anew when it has ended; whoever sends the last checkpoint dies now
/// and then.
///
/// It has dice of its own, so that a seed without stops stays what it is.
extension SimulatedCluster {
    struct Stopping {
        var chance: Chance
        /// This coordinator has been told to stop.
        var isAsked = false
        /// How often a run ended early, and how often buddies took over what was being saved for that.
        var ends = 0
        var promotions = 0

        init(seed: UInt64) { chance = Chance(seed: seed, place: 1) }
    }

    /// A signal, now; and perhaps another later.
    func askToStop() {
        guard now < faultsUntil else { return }
        scheduleStop()
        guard coordinator != nil else { return }
        write("asked to stop")
        stopping?.isAsked = true
        tell(.stopRequested("somebody stops it"))
    }

    func scheduleStop() {
        guard let seconds = stopping?.chance.between(0.5, 8) else { return }
        schedule(.stopAsked, in: seconds)
    }

    /// What is saved may be all that is waited for: now a death hurts.
    func endangerCheckpoint() {
        guard stopping?.isAsked == true, now < faultsUntil else { return }
        let alive = order.filter { workers[$0] != nil }
        guard !alive.isEmpty, stopping?.chance.happens(0.5) == true,
            let victim = stopping?.chance.below(alive.count), let seconds = stopping?.chance.between(0, 2 * delay)
        else { return }
        schedule(.killed(alive[victim]), in: seconds)
    }

    func notePromotion() {
        guard stopping?.isAsked == true, coordinator?.status(now: now).phase == "writing a checkpoint" else { return }
        stopping?.promotions += 1
    }

    /// The run has ended early: what is under way gets to the disk or not, and the same command is given again.
    /// - Returns: Whether somebody does.
    func beginsAgain() -> Bool {
        guard var dice = stopping?.chance else { return false }
        coordinator = nil
        disk.crash(tailSurvives: true, lies: false)
        schedule(.coordinatorStarts, in: dice.between(0.1, 3))
        for _ in 0..<expectedWorkers { schedule(.workerStarts, in: dice.between(0.1, 4)) }
        stopping?.chance = dice
        stopping?.ends += 1
        return true
    }
}
