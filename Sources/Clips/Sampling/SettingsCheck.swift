import Faults

/// Refuses a value of a recipe unless `holds`.
func demand(_ holds: Bool, _ key: String, _ reason: @autoclosure () -> String) throws(Fault) {
    if !holds { throw Fault(.usage, key, reason(), mend: "correct the recipe") }
}

/// What clips of training and views of tests have in common: which frames, and how their values are normalised.
func demandClip(
    frames: Int, samplingRate: Int, mean: SIMD3<Float>, deviation: SIMD3<Float>
) throws(Fault) {
    try demand((1...4096).contains(frames), "input.frames", "\(frames) is outside 1 to 4096")
    try demand((1...4096).contains(samplingRate), "input.sampling_rate", "\(samplingRate) is outside 1 to 4096")
    let finite = (0..<3).allSatisfy { mean[$0].isFinite && deviation[$0].isFinite && deviation[$0] > 0 }
    try demand(finite, "input.deviation", "mean and deviation must be finite, and the deviation above 0")
}
