extension MicroKernelTable {
    /// Values that a task adds.
    private static let addedTogether = 4096

    /// Adds all slices of sums, each of `count` floats behind the one before, to the first, in order.
    func addSlices(_ slices: Int, of count: Int, _ sums: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
        guard slices > 1 else { return }
        let piece = Self.addedTogether
        pool.run((count + piece - 1) / piece) { task in
            let to = sums + task * piece
            let values = min(piece, count - task * piece)
            for slice in 1..<slices { add(values, to, to + slice * count, to) }
        }
    }
}
