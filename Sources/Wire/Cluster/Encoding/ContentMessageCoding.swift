import CWire
import Faults

extension ContentRequest: FrameMessage {
    static let messageCase = ZOETROPE__FRAME__MESSAGE_CONTENT_REQUEST

    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        frame.pointee.message_case = Self.messageCase
        frame.pointee.content_request = message(arena)
        return []
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        guard frame.message_case == Self.messageCase else {
            throw FrameCoding.unexpected(frame, "whoever needs clips")
        }
        _ = try Checking.payloads(payloads, 0...0)
        self = try ContentRequest(try Checking.present(frame.content_request, "the request"))
    }

    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__ContentRequest> {
        arena.make(zoetrope__content_request__init) {
            $0.pointee.digest.len = digest.count
            $0.pointee.digest.data = arena.array(digest)
            $0.pointee.offset = Int64(offset)
            $0.pointee.count = Int64(count)
        }
    }

    fileprivate init(_ message: Zoetrope__ContentRequest) throws(Fault) {
        guard message.digest.len == Self.digestBytes, let bytes = message.digest.data else {
            throw Checking.fault("a digest of \(message.digest.len) bytes")
        }
        guard (1...Int64(Self.mostBytes)).contains(message.count) else {
            throw Checking.fault("a part of \(message.count) bytes")
        }
        self.init(
            digest: Array(UnsafeBufferPointer(start: bytes, count: message.digest.len)),
            offset: try Checking.number(message.offset, "offset"), count: Int(message.count))
    }
}

extension ContentReply: FrameMessage {
    func encode(into frame: UnsafeMutablePointer<Zoetrope__Frame>, _ arena: Arena) -> [Payload] {
        switch self {
        case .part(let request, let bytes):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_CONTENT_PART
            frame.pointee.content_part = request.message(arena)
            return [bytes]
        case .refused(let request, let reason):
            frame.pointee.message_case = ZOETROPE__FRAME__MESSAGE_CONTENT_REFUSAL
            frame.pointee.content_refusal = arena.make(zoetrope__content_refusal__init) {
                $0.pointee.request = request.message(arena)
                $0.pointee.reason = UInt32(reason.rawValue)
            }
            return []
        }
    }

    init(decoding frame: Zoetrope__Frame, _ payloads: [Payload]) throws(Fault) {
        switch frame.message_case {
        case ZOETROPE__FRAME__MESSAGE_CONTENT_PART:
            let request = try ContentRequest(try Checking.present(frame.content_part, "the part"))
            // Bytes of any number, not a tensor's.
            guard payloads.count == 1, payloads[0].count == request.count else {
                throw Checking.fault("a part of \(request.count) bytes without them")
            }
            self = .part(request, bytes: payloads[0])
        case ZOETROPE__FRAME__MESSAGE_CONTENT_REFUSAL:
            _ = try Checking.payloads(payloads, 0...0)
            let refusal = try Checking.present(frame.content_refusal, "the refusal")
            guard let reason = Refusal(rawValue: Int(refusal.reason)) else {
                throw Checking.fault("refusal \(refusal.reason) is none")
            }
            self = .refused(try ContentRequest(try Checking.present(refusal.request, "the request")), reason)
        default: throw FrameCoding.unexpected(frame, "whoever has clips")
        }
    }
}
