public import Reporting

/// What was predicted for one video, or why nothing was.
public struct VideoPrediction: Sendable {
    public var video: String
    /// By label; empty where nobody knows the names.
    public var classNames: [String]
    public var outcome: Result<Found, Failure>

    public struct Found: Sendable {
        public var frames: Int
        /// Frames a second for times; `nil` where the file tells none.
        public var frameTimes: [Double]?
        public var clips: Int
        /// Best first.
        public var top: [TopClasses.Entry]
        /// What happens when; `nil` where nobody asked.
        public var timeline: Timeline?

        public init(frames: Int, frameTimes: [Double]?, clips: Int, top: [TopClasses.Entry], timeline: Timeline?) {
            self.frames = frames
            self.frameTimes = frameTimes
            self.clips = clips
            self.top = top
            self.timeline = timeline
        }

        /// When frame `number` is shown, in seconds; the end of the video for the one after the last.
        func seconds(_ number: Int) -> Double? {
            guard let frameTimes, let last = frameTimes.last else { return nil }
            if number < frameTimes.count { return frameTimes[number] }
            return last + (frameTimes.count > 1 ? last / Double(frameTimes.count - 1) : 0)
        }
    }

    public struct Failure: Error, Sendable {
        public var reason: String
        public init(reason: String) { self.reason = reason }
    }

    public init(video: String, classNames: [String], outcome: Result<Found, Failure>) {
        self.video = video
        self.classNames = classNames
        self.outcome = outcome
    }

    /// The name of a class, or its number.
    public func name(of label: Int) -> String {
        classNames.indices.contains(label) ? classNames[label] : "class \(label)"
    }

    /// One object: `video`, then `error`, or `frames`, `clips`, `top` (`label`, `class`, `score`) and, where there is one,
    /// `timeline` (`start_frame`, `end_frame` (not included), `start_s`, `end_s`, `label`, `class`, `score`).
    public var json: JSON {
        switch outcome {
        case .failure(let failure): return ["video": .string(video), "error": .string(failure.reason)]
        case .success(let found):
            var members: [(String, JSON)] = [
                ("video", .string(video)), ("frames", .integer(found.frames)), ("clips", .integer(found.clips)),
                ("top", .array(found.top.map { entry($0.label, $0.score) })),
            ]
            if let timeline = found.timeline {
                members.append(
                    (
                        "timeline",
                        .array(
                            timeline.segments.map { segment in
                                let times: [(String, JSON)] = [
                                    ("start_frame", .integer(segment.frames.lowerBound)),
                                    ("end_frame", .integer(segment.frames.upperBound)),
                                    ("start_s", number(found.seconds(segment.frames.lowerBound))),
                                    ("end_s", number(found.seconds(segment.frames.upperBound))),
                                ]
                                return .object(times + self.members(of: segment.label, segment.score))
                            })
                    ))
            }
            return .object(members)
        }
    }

    /// The header of `csv`.
    public static let csvHeader = "video,kind,rank,start_s,end_s,label,class,score,error\n"

    /// A line for each of the best classes (`top`), each segment (`segment`), or the reason why there are none (`error`).
    public var csv: String {
        switch outcome {
        case .failure(let failure): return "\(csvField(video)),error,,,,,,,\(csvField(failure.reason))\n"
        case .success(let found):
            let top = found.top.enumerated().map { rank, entry in
                "\(csvField(video)),top,\(rank + 1),,,\(entry.label),\(csvField(name(of: entry.label))),"
                    + "\(decimals(entry.score, 6)),\n"
            }
            let segments = (found.timeline?.segments ?? []).map { segment in
                func time(_ frame: Int) -> String { found.seconds(frame).map { decimals($0, 3) } ?? "" }
                return
                    "\(csvField(video)),segment,,\(time(segment.frames.lowerBound)),\(time(segment.frames.upperBound)),"
                    + "\(segment.label),\(csvField(name(of: segment.label))),\(decimals(segment.score, 6)),\n"
            }
            return (top + segments).joined()
        }
    }

    /// For people: the best classes on one line, a line for each segment below it.
    public var text: String {
        switch outcome {
        case .failure(let failure): return "\(video): \(failure.reason)\n"
        case .success(let found):
            let best = found.top.map { "\(name(of: $0.label)) \(decimals(100 * $0.score, 1)) %" }
            var text = "\(video): \(best.joined(separator: ", "))\n"
            for segment in found.timeline?.segments ?? [] {
                let (start, end) = (found.seconds(segment.frames.lowerBound), found.seconds(segment.frames.upperBound))
                let when =
                    if let start, let end { "\(decimals(start, 2)) s to \(decimals(end, 2)) s" } else {
                        "frames \(segment.frames.lowerBound) to \(segment.frames.upperBound - 1)"
                    }
                text += "  \(when): \(name(of: segment.label)) \(decimals(100 * segment.score, 1)) %\n"
            }
            return text
        }
    }

    private func entry(_ label: Int, _ score: Double) -> JSON { .object(members(of: label, score)) }

    private func members(of label: Int, _ score: Double) -> [(String, JSON)] {
        let named: [(String, JSON)] =
            classNames.indices.contains(label) ? [("class", .string(classNames[label]))] : []
        return [("label", .integer(label))] + named + [("score", .number(score))]
    }

    private func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
}
