public import Faults
public import Wire

/// One record of a database that VMZ's `create_video_db.py` writes: a `TensorProtos` of the video (its bytes, or its path),
/// the label, and, if the database has them, where clips begin and the number of the video, in this order.
public struct VMZRecord: Sendable, Equatable {
    public enum Video: Sendable, Equatable {
        case bytes([UInt8])
        case path(String)
    }

    public var video: Video
    /// Zero-based.
    public var label: Int
    public var startFrame: Int?
    public var videoID: Int?

    public init(video: Video, label: Int, startFrame: Int? = nil, videoID: Int? = nil) {
        self.video = video
        self.label = label
        self.startFrame = startFrame
        self.videoID = videoID
    }

    public var tensors: [Caffe2Tensor] {
        let content: [UInt8]
        switch video {
        case .bytes(let bytes): content = bytes
        case .path(let path): content = Array(path.utf8)
        }
        func tensor(_ type: Caffe2Tensor.DataType) -> Caffe2Tensor { Caffe2Tensor(dims: [], dataType: type.rawValue) }
        var video = tensor(.string)
        video.strings = [content]
        var label = tensor(.int32)
        label.integers = [Int32(clamping: self.label)]
        var all = [video, label]
        if let startFrame {
            var start = tensor(.int32)
            start.integers = [Int32(clamping: startFrame)]
            all.append(start)
        }
        if let videoID {
            var id = tensor(.int64)
            id.longs = [Int64(videoID)]
            all.append(id)
        }
        return all
    }

    /// - Parameter place: what the record is called in faults.
    /// - Throws: a data `Fault` when the tensors are not those of a labelled video.
    public init(tensors: [Caffe2Tensor], place: String) throws(Fault) {
        guard (2...4).contains(tensors.count) else {
            throw Fault(.data, place, "has \(tensors.count) tensors and not 2 to 4: it is no record of VMZ")
        }
        guard let content = tensors[0].strings.first ?? (tensors[0].bytes.isEmpty ? nil : tensors[0].bytes) else {
            throw Fault(.data, place, "its first tensor holds neither a video nor a path")
        }
        guard tensors[1].integers.count == 1, let number = tensors[1].integers.first, number >= 0 else {
            throw Fault(
                .data, place,
                tensors[1].integers.count > 1
                    ? "has several labels, which is not supported" : "has no label of at least 0")
        }
        video = Self.isPath(content) ? .path(String(decoding: content, as: UTF8.self)) : .bytes(content)
        label = Int(number)
        // Which of the two a third tensor is, only its type tells.
        for tensor in tensors.dropFirst(2) {
            if let id = tensor.longs.first {
                videoID = Int(id)
            } else if let start = tensor.integers.first, start >= 0 {
                startFrame = Int(start)
            } else {
                throw Fault(.data, place, "has a tensor that is neither a start frame nor the number of a video")
            }
        }
    }

    /// Bytes that begin like a container are a video; what is one line of text is a path.
    private static func isPath(_ content: [UInt8]) -> Bool {
        containerExtension(content) == nil && (1...4096).contains(content.count) && !content.contains { $0 < 32 }
            && String(validating: content, as: UTF8.self) != nil
    }
}
