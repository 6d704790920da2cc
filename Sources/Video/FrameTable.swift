/// Which frames a stream shows, from its packets' timestamps alone: frame i is the i-th in the order of showing.
struct FrameTable {
    /// Ascending.
    let timestamps: [Int64]
    /// For frame i, its packet's place in the order of decoding.
    private let packets: [Int]
    /// For frame i, the packet of the key frame that decoding must begin with.
    private let keys: [Int]

    /// `nil` when the timestamps do not tell: one is missing, two are alike, or the stream does not begin with a key.
    init?(_ list: PacketList) {
        guard list.count > 0, list.isKey(0) else { return nil }
        var frames: [(timestamp: Int64, packet: Int)] = []
        for i in 0..<list.count {
            guard list.timestamp(i) != Libav.noTimestamp else { return nil }
            if !list.isHidden(i) { frames.append((list.timestamp(i), i)) }
        }
        guard !frames.isEmpty else { return nil }
        frames.sort { $0.timestamp < $1.timestamp }
        for i in 1..<frames.count where frames[i].timestamp == frames[i - 1].timestamp { return nil }
        timestamps = frames.map(\.timestamp)
        packets = frames.map(\.packet)
        let keys = Self.keys(list)
        self.keys = frames.map { keys[$0.packet] }
    }

    /// For each packet the last key at or before it that is not shown after it: a key may be decoded before frames that are
    /// shown before it, and those need an earlier one. Without such a key, the first packet.
    private static func keys(_ list: PacketList) -> [Int] {
        // Those that may still be somebody's, their timestamps ascending: a later key that is shown earlier replaces them.
        var open: [Int] = []
        return (0..<list.count).map { packet in
            let timestamp = list.timestamp(packet)
            if list.isKey(packet) {
                while let last = open.last, list.timestamp(last) >= timestamp { open.removeLast() }
                open.append(packet)
            }
            var (low, high) = (0, open.count)
            while low < high {
                let middle = (low + high) / 2
                if list.timestamp(open[middle]) <= timestamp { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? open[low - 1] : 0
        }
    }

    /// The runs of packets that decode `frames` (ascending), each with the frames that it serves.
    ///
    /// Frames that share a key frame share a run; two runs are one where the second begins inside the first.
    func runs(for frames: [Int]) -> [(packets: ClosedRange<Int>, frames: [Int])] {
        var runs: [(packets: ClosedRange<Int>, frames: [Int])] = []
        for frame in frames {
            let (key, packet) = (keys[frame], packets[frame])
            if let last = runs.last, key <= last.packets.upperBound {
                runs[runs.count - 1].packets =
                    min(key, last.packets.lowerBound)...max(packet, last.packets.upperBound)
                runs[runs.count - 1].frames.append(frame)
            } else {
                runs.append((key...packet, [frame]))
            }
        }
        return runs
    }
}
