import Faults
import Testing
import Wire

@Suite("Messages about the data set's files")
struct ContentMessageTests {
    private func control(_ encoded: EncodedFrame) throws -> ControlMessage {
        try encoded.header.withUnsafeBytes { try ControlMessage(header: $0, payloads: encoded.payloads) }
    }

    @Test("Requests for clips are understood at both doors, and their answers come back as they were")
    func contentMessages() throws {
        for request in MessageSamples.contentRequests {
            let encoded = EncodedFrame(request)
            guard case .content(let first) = try control(encoded),
                case .content(let second) = try encoded.header.withUnsafeBytes({
                    try DataMessage(header: $0, payloads: [])
                })
            else {
                Issue.record("taken for something else")
                continue
            }
            #expect(first == request)
            #expect(second == request)
        }
        for reply in MessageSamples.contentReplies {
            let encoded = EncodedFrame(reply)
            let decoded = try encoded.header.withUnsafeBytes {
                try ContentReply(header: $0, payloads: encoded.payloads)
            }
            #expect("\(decoded)" == "\(reply)")
            let isSame = EncodedFrame(decoded).payloads.elementsEqual(encoded.payloads, by: ===)
            #expect(isSame)
        }
    }

    @Test("Requests for clips that ask for too much, and answers of another size than they say, are refused")
    func contentBounds() throws {
        let digest = [UInt8](repeating: 1, count: 32)
        for bad in [
            ContentRequest(digest: digest, offset: 0, count: 0),
            ContentRequest(digest: digest, offset: 0, count: ContentRequest.mostBytes + 1),
            ContentRequest(digest: digest, offset: -1, count: 5),
            ContentRequest(digest: Array(digest.dropLast()), offset: 0, count: 5),
            ContentRequest(digest: [], offset: 0, count: 5),
        ] { #expect(throws: Fault.self, "\(bad)") { try control(EncodedFrame(bad)) } }
        let part = EncodedFrame(MessageSamples.contentReplies[0])
        let other = EncodedFrame(
            ContentReply.part(
                ContentRequest(digest: digest, offset: 0, count: 6), bytes: PayloadPool().payload(count: 6)))
        for payloads in [[], other.payloads, part.payloads + part.payloads] {
            part.header.withUnsafeBytes { header in
                _ = #expect(throws: Fault.self) { try ContentReply(header: header, payloads: payloads) }
            }
        }
    }
}
