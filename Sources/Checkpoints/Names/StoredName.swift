/// What is left of a tensor's name in a file without what training wraps round networks.
enum StoredName: Equatable {
    case tensor(String)
    /// Not a part of any network; why.
    case ignored(String)

    /// Scopes that say who trained, not what: PyTorch's wrappers, the dictionaries of checkpoints, Caffe2's devices.
    private static let scopes = [
        "module.", "model.", "_orig_mod.", "model_state.", "model_state_dict.", "state_dict.",
    ]
    private static let counters: Set<String> = [
        "lr", "learning_rate", "model_iter", "iter", "iteration", "iteration_mutex", "optimizer_iteration", "epoch",
        "global_step",
    ]

    init(_ stored: String) {
        var name = Substring(stored)
        while let shorter = Self.withoutScope(name) { name = shorter }
        if Self.counters.contains(name.lowercased()) {
            self = .ignored("a counter of training")
        } else if name.hasSuffix("_momentum") || name.hasSuffix(".momentum") {
            self = .ignored("the optimizer's")
        } else if name.hasSuffix("num_batches_tracked") {
            self = .ignored("a counter of training")
        } else if name.contains(".split_bn.") {
            self = .ignored("statistics of a part of a batch")
        } else {
            self = .tensor(Self.withoutSubBatchNorm(name))
        }
    }

    private static func withoutScope(_ name: Substring) -> Substring? {
        for scope in scopes where name.hasPrefix(scope) { return name.dropFirst(scope.count) }
        var scanner = NameScanner(name)
        guard scanner.take("gpu_"), scanner.number() != nil, scanner.take("/") else { return nil }
        return scanner.rest
    }

    /// PySlowFast's batch norm over parts of a batch keeps its statistics one level deeper: `a_bn.bn.running_mean`.
    private static func withoutSubBatchNorm(_ name: Substring) -> String {
        for statistic in ["running_mean", "running_var"] where name.hasSuffix("bn.bn.\(statistic)") {
            return name.dropLast(statistic.count + 3) + statistic
        }
        return String(name)
    }
}
