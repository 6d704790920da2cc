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
        keys = frames.map { frame in
            // A key may be decoded before frames that are shown before it: those need the key before.
            var key = frame.packet
            while key > 0, !list.isKey(key) || list.timestamp(key) > frame.timestamp { key -= 1 }
            return key
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
