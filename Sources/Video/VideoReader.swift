import CFFmpeg
public import Faults

/// How frames of a stream are found.
public enum FrameAccess: Sendable, Hashable {
    /// By timestamp: decoding begins at the key frame before.
    case indexed
    /// By counting from the beginning, for streams whose timestamps do not tell; `count` is how many there are.
    case sequential(count: Int)
}

/// A video in memory whose frames can be asked for by number, each exactly the one that a decoder running from the
/// beginning would show at that place. For one thread at a time.
///
/// Decodes with libavcodec's bit-exact paths on the calling thread; only what the asked frames need is decoded.
public final class VideoReader {
    /// What the video is called in faults.
    public let name: String
    /// Frames as seen, after rotation, in pixels.
    public let width: Int
    public let height: Int
    /// Such as `h264`, and `mov,mp4,m4a,3gp,3g2,mj2`.
    public let codec: String
    public let container: String
    /// Frames per second as the container claims; 0 when it does not.
    public let frameRate: Double
    /// How long the container says that it lasts, in seconds; 0 when it does not.
    public let claimedSeconds: Double
    /// How long it says that the video stream lasts, in seconds; 0 when it does not.
    public let streamSeconds: Double
    /// The denominator of the stream's time base: ticks of a second, where the numerator is 1.
    public let ticksPerSecond: Int
    /// Pictures that the container's index promises and the file does not hold.
    public let missingPictures: Int
    public let access: FrameAccess
    /// How many frames it shows.
    public let frameCount: Int

    /// The reason of the fault of a video that opens and has nothing to show.
    package static let nothingDecodes = "none of its frames decodes"

    /// Seconds of a tick of the timestamps.
    private let tick: Double
    private let packets: PacketList
    private let table: FrameTable?
    private let decoder: FrameDecoder
    private let scaler = FrameScaler()
    private let orientation: Orientation

    /// Opens a video; its packets are copied, so `bytes` are not needed afterwards.
    /// - Parameter access: as an earlier `check()` found it; `nil` finds out, which may take decoding it all.
    /// - Throws: a data `Fault` that says why it is not a readable video.
    public init(_ bytes: UnsafeRawBufferPointer, name: String, access: FrameAccess? = nil) throws(Fault) {
        let demuxer = try Demuxer(bytes, name: name)
        self.name = name
        packets = try demuxer.readPackets(fileSize: bytes.count)
        decoder = try FrameDecoder(demuxer, name: name)
        let parameters = demuxer.stream.pointee.codecpar.pointee
        let (decodedWidth, decodedHeight) = (Int(parameters.width), Int(parameters.height))
        orientation = demuxer.orientation
        (width, height) = orientation.transposed ? (decodedHeight, decodedWidth) : (decodedWidth, decodedHeight)
        codec = String(cString: avcodec_get_name(parameters.codec_id))
        container = demuxer.container
        claimedSeconds = demuxer.claimedSeconds
        streamSeconds = demuxer.streamSeconds
        missingPictures = max(0, (demuxer.promisedPackets ?? 0) - packets.count - packets.emptyCount)
        let base = demuxer.stream.pointee.time_base
        ticksPerSecond = max(0, Int(base.den))
        tick = base.num > 0 && base.den > 0 ? Double(base.num) / Double(base.den) : 0
        let rate = demuxer.stream.pointee.avg_frame_rate
        frameRate = rate.num > 0 && rate.den > 0 ? Double(rate.num) / Double(rate.den) : 0
        if case .sequential(let count) = access {
            (self.access, frameCount, table) = (.sequential(count: count), count, nil)
        } else if let table = FrameTable(packets) {
            (self.access, frameCount, self.table) = (.indexed, table.timestamps.count, table)
        } else {
            let count = Self.count(decoder, packets)
            (self.access, frameCount, table) = (.sequential(count: count), count, nil)
        }
        guard frameCount > 0 else { throw Fault(.data, name, Self.nothingDecodes) }
    }

    /// When each frame is shown, in ticks, ascending; `nil` where the stream does not tell.
    public var timestamps: [Int64]? { table?.timestamps }

    /// When each frame is shown, in seconds after the first: by its timestamp, else by the container's rate; `nil` where
    /// neither tells.
    public var frameTimes: [Double]? {
        if let table, let first = table.timestamps.first, tick > 0 {
            return Self.seconds(of: table.timestamps, after: first, tick: tick)
        }
        return frameRate > 0 ? (0..<frameCount).map { Double($0) / frameRate } : nil
    }

    /// Apart first: a container may claim times that are further from each other than whole numbers reach.
    package static func seconds(of timestamps: [Int64], after first: Int64, tick: Double) -> [Double] {
        timestamps.map { (Double($0) - Double(first)) * tick }
    }

    /// Decodes frames and gives each to `body`, scaled to `width` × `height` as seen, in the order of
    /// showing.
    /// - Parameter frames: ascending, each once, within `0..<frameCount`.
    /// - Throws: a data `Fault` when one of them cannot be decoded whole; what `body` throws.
    public func decode(
        _ frames: [Int], width: Int, height: Int, _ body: (_ frame: Int, RGBFrame) throws -> Void
    ) throws {
        precondition(width > 0 && height > 0, "frames of \(width)x\(height)")
        precondition(frames.allSatisfy { (0..<frameCount).contains($0) }, "a frame outside 0..<\(frameCount)")
        precondition(zip(frames, frames.dropFirst()).allSatisfy { $0 < $1 }, "frames that do not ascend")
        guard let last = frames.last else { return }
        guard let table else { return try decodeCounting(frames, last, width, height, body) }
        for run in table.runs(for: frames) {
            try decode(run.packets, run.frames, table, width, height, body)
        }
    }

    /// Decodes from a key frame; where that fails, from the beginning, which is the definition of what is right: some
    /// streams mark pictures as keys that still refer to earlier ones.
    private func decode(
        _ range: ClosedRange<Int>, _ frames: [Int], _ table: FrameTable, _ width: Int, _ height: Int,
        _ body: (Int, RGBFrame) throws -> Void
    ) throws {
        var waiting = Dictionary(uniqueKeysWithValues: frames.map { (table.timestamps[$0], $0) })
        let wanted = Set(waiting.keys)
        var problem: Fault?
        let starts = range.lowerBound == 0 ? [0] : [range.lowerBound, 0]
        for start in starts {
            var consumer: (any Error)?
            do {
                let tolerated = start == 0 ? .min : packets.timestamp(start)
                try decoder.decode(
                    packets, start...range.upperBound, isWanted: wanted.contains, tolerated: tolerated
                ) { frame in
                    guard let number = waiting[frame.pointee.pts] else { return true }
                    // A decoder leaves out what is shown before it has recovered: then none is given out of its turn, and
                    // the beginning gives them all.
                    guard start == 0 || number == frames[frames.count - waiting.count] else { return false }
                    waiting[frame.pointee.pts] = nil
                    do { try show(frame, number, width, height, body) } catch {
                        consumer = error
                        throw error
                    }
                    return !waiting.isEmpty
                }
            } catch {
                if let consumer { throw consumer }
                problem = error as? Fault
            }
            if waiting.isEmpty { return }
        }
        throw problem ?? Fault(.data, name, "frame \(waiting.values.min() ?? 0) does not decode")
    }

    private func decodeCounting(
        _ frames: [Int], _ last: Int, _ width: Int, _ height: Int, _ body: (Int, RGBFrame) throws -> Void
    ) throws {
        let wanted = Set(frames)
        var number = 0
        try decoder.decode(packets, 0...packets.count - 1, isWanted: nil) { frame in
            if wanted.contains(number) { try show(frame, number, width, height, body) }
            number += 1
            return number <= last
        }
        guard number > last else { throw Fault(.data, name, "frame \(number) does not decode") }
    }

    private func show(
        _ frame: UnsafePointer<AVFrame>, _ number: Int, _ width: Int, _ height: Int,
        _ body: (Int, RGBFrame) throws -> Void
    ) throws {
        try scaler.scale(frame, name: name, width: width, height: height, orientation: orientation) {
            try body(number, $0)
        }
    }

    private static func count(_ decoder: FrameDecoder, _ packets: PacketList) -> Int {
        var count = 0
        try? decoder.decode(packets, 0...packets.count - 1, isWanted: nil) { _ in
            count += 1
            return true
        }
        return count
    }
}

extension VideoReader {
    /// What decoding a whole video found.
    public struct Findings: Sendable, Equatable {
        /// Frames that decode from the beginning on, up to the first error.
        public let decoded: Int
        /// How its frames are to be found from now on.
        public let access: FrameAccess
        /// Why it does not decode to the end; `nil` when it does.
        public let problem: String?
    }

    /// Decodes everything from the beginning and compares what comes out with what the timestamps promise.
    public func check() -> Findings {
        var seen: [Int64] = []
        var problem: String?
        do {
            try decoder.decode(packets, 0...packets.count - 1, isWanted: nil) { frame in
                seen.append(frame.pointee.pts)
                return true
            }
        } catch {
            problem = (error as? Fault)?.reason ?? "\(error)"
        }
        // A stream that fails half-way keeps its numbering: the clips before the damage are good.
        let isNumbered = table.map { table in
            seen.elementsEqual(table.timestamps.prefix(seen.count))
                && (problem != nil || seen.count == table.timestamps.count)
        }
        if problem == nil, missingPictures > 0 { problem = "the file ends \(missingPictures) pictures early" }
        return Findings(
            decoded: seen.count, access: isNumbered == true ? .indexed : .sequential(count: seen.count),
            problem: problem)
    }
}
