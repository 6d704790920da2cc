import Faults
import Foundation
import Protocol
import Synchronization
import TestSupport
import Testing
import Wire

@Suite("Serving the data set's files")
struct ContentServerTests {
    @Test("A peer has a bounded share, and all together have")
    func shares() {
        var book = ServingBook<Int>()
        func begins(_ peer: Int) -> Bool { book.begin(peer) }
        for _ in 0..<ServingBook<Int>.mostForOne { #expect(begins(1)) }
        #expect(!begins(1))
        #expect(begins(2))
        book.end(1)
        #expect(begins(1))
        book.end(7)
        #expect(book.total == ServingBook<Int>.mostForOne + 1)
        var peer = 10
        while book.total < ServingBook<Int>.most {
            #expect(begins(peer))
            peer += 1
        }
        #expect(!begins(peer))
        for _ in 0..<ServingBook<Int>.mostForOne { book.end(1) }
        for other in [2] + Array(10..<peer) { book.end(other) }
        #expect(book.total == 0)
        #expect(begins(1))
    }

    /// What a worker's connection to a listener with a server behind it hears.
    private func answers(_ requests: [ContentRequest], path: @escaping @Sendable ([UInt8]) -> String?) throws
        -> [ContentReply]
    {
        let mailbox = try Mailbox<(Peer, ContentReply)>()
        let server = ContentServer(path: path) { mailbox.post(($0, $1)) }
        defer { server.finish() }
        let listener = try Listener(try Context(), endpoint: "tcp://127.0.0.1:*")
        let connection = try Connection(try Context(), endpoint: listener.endpoint)
        let poller = Poller()
        poller.watch(listener)
        poller.watch(connection)
        poller.watch(mailbox)
        var replies: [ContentReply] = []
        let deadline = ContinuousClock.now + .seconds(60)
        while replies.count < requests.count, ContinuousClock.now < deadline {
            while let event = connection.next() {
                switch event {
                case .connected:
                    for request in requests { _ = connection.send(header: EncodedFrame(request).header) }
                case .disconnected: break
                case .message(let header, let payloads):
                    replies.append(
                        try header.withBytes { bytes throws(Fault) in
                            try ContentReply(header: bytes, payloads: payloads)
                        })
                }
            }
            while let event = listener.next() {
                guard case .message(let peer, let header, let payloads) = event else { continue }
                let message = try header.withBytes { bytes throws(Fault) in
                    try DataMessage(header: bytes, payloads: payloads)
                }
                guard case .content(let request) = message else { continue }
                server.ask(request, from: peer)
            }
            for (peer, reply) in mailbox.drain() {
                let encoded = EncodedFrame(reply)
                _ = listener.send(to: peer, header: encoded.header, payloads: encoded.payloads)
            }
            poller.wait(milliseconds: 20)
        }
        return replies
    }

    @Test("Bytes come as they are asked for; what is not there, or beyond the end, is refused; no name becomes a path")
    func serves() throws {
        try withTemporaryFolder { folder in
            let content = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try Data(content).write(to: URL(fileURLWithPath: folder + "/file"))
            let known = [UInt8](repeating: 1, count: 32)
            let gone = [UInt8](repeating: 2, count: 32)
            let aFolder = [UInt8](repeating: 3, count: 32)
            let asked = [
                ContentRequest(digest: known, offset: 0, count: 1000),
                ContentRequest(digest: known, offset: 2999, count: 1),
                ContentRequest(digest: known, offset: 2500, count: 501),
                ContentRequest(digest: known, offset: 1 << 40, count: 1),
                ContentRequest(digest: gone, offset: 0, count: 1),
                ContentRequest(digest: aFolder, offset: 0, count: 1),
                ContentRequest(digest: [UInt8](repeating: 4, count: 32), offset: 0, count: 1),
            ]
            let replies = try answers(asked) { digest in
                switch digest {
                case known: folder + "/file"
                case gone: folder + "/none"
                case aFolder: folder
                default: nil
                }
            }
            let words = replies.map { reply in
                switch reply {
                case .part(let request, let bytes):
                    bytes.array(of: UInt8.self) == Array(content[request.offset..<request.offset + request.count])
                        ? "right" : "wrong"
                case .refused(_, let refusal): "\(refusal)"
                }
            }
            #expect(replies.map(\.request) == asked)
            #expect(words == ["right", "right", "absent", "absent", "absent", "unreadable", "absent"])
        }
    }

    @Test(
        "Numbers of bytes",
        arguments: [
            ("0", 0), ("1048576", 1 << 20), ("500 GB", 500_000_000_000), ("1.5kb", 1500), ("64MiB", 64 << 20),
            ("2tb", 2_000_000_000_000),
        ])
    func byteCounts(text: String, bytes: Int) throws {
        #expect(try ByteCount(text, about: "--cache-limit").bytes == bytes)
    }

    @Test(
        "What is no number of bytes is refused", arguments: ["", "GB", "-1", "5 gigabytes", "1e300", "2000TB", "0x10"])
    func noByteCounts(text: String) {
        let fault = #expect(throws: Fault.self) { try ByteCount(text, about: "--cache-limit") }
        #expect(fault?.code == .usage)
        #expect(fault?.thing == "--cache-limit")
    }
}
