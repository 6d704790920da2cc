import Foundation
import Glibc

/// Coordinators that die, come back, and meet their successors.
let coordinatorCases: [ChaosCase] = [
    ChaosCase(9, "coordinator-killed") { lab in
        try lab.begin(workers: 2)
        for _ in 0..<3 {
            let phase = lab.dice.between(0, 1)
            try lab.waitWithinStep(phase)
            try lab.disturb("kill -9 of the coordinator at \(seconds(phase)) of a step") {
                lab.cluster.signal(TestCluster.coordinator, SIGKILL)
            }
            try lab.cluster.waitForNote("map", after: lab.lastFault + lab.cluster.restartDelay)
        }
        try lab.expectUndisturbed()
    }
]
