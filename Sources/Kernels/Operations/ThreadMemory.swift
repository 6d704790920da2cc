/// Memory that a thread has to itself, carved out of the scratch behind what all threads share.
protocol ThreadMemory {
    /// What says how much it takes.
    associatedtype Owner

    init(_ owner: Owner, _ carving: inout Carving)
}

extension ThreadMemory {
    /// Floats of one thread's.
    static func floats(_ owner: Owner) -> Int {
        var carving = Carving.measuring
        _ = Self(owner, &carving)
        return carving.floats
    }

    /// Calls `body` once for each task, with the memory of the thread that it runs on.
    /// - Parameter memory: `floats` for each of the pool's threads.
    static func run(
        _ owner: Owner, _ tasks: Int, in memory: UnsafeMutablePointer<Float>, _ pool: ThreadPool,
        _ body: (_ task: Int, _ space: Self) -> Void
    ) {
        let floats = Self.floats(owner)
        pool.runOnThreads(tasks) { task, thread in
            var carving = Carving(memory + thread * floats)
            body(task, Self(owner, &carving))
        }
    }
}
