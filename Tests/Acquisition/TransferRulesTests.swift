import Acquisition
import Testing

@Suite("Rules of a transfer") struct TransferRulesTests {
    private func head(_ lines: String...) -> ResponseHead {
        var head = ResponseHead()
        for line in lines { head.append(line: line + "\r\n") }
        return head
    }

    @Test func headsAreReadAndRedirectsForgotten() {
        let head = head(
            "HTTP/1.1 301 Moved", "ETag: \"old\"", "HTTP/2 206", "Content-Length: 5", "content-range: bytes 5-9/10",
            "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT")
        #expect(head.status == 206 && head.contentLength == 5)
        #expect(head.contentRange?.bytes == 5...9 && head.contentRange?.total == 10)
        #expect(head.validator == "Mon, 01 Jan 2024 00:00:00 GMT")
    }

    @Test(arguments: [
        "bytes 9-5/10", "bytes 0-10/10", "bytes x-9/10", "5-9/10", "bytes 5-9", "bytes 5-9/-1", "bytes -/",
    ])
    func rangesThatMakeNoSense(text: String) {
        #expect(head("HTTP/1.1 206 x", "Content-Range: " + text).contentRange == nil)
    }

    @Test func weakTagsAreNoValidators() {
        #expect(head("HTTP/1.1 200 x", "ETag: W/\"a\"").validator == nil)
        #expect(head("HTTP/1.1 200 x", "ETag: \"a\"").validator == "\"a\"")
    }

    @Test func whatIsAskedFor() {
        #expect(TransferRules.request(for: .nothing) == .whole)
        #expect(TransferRules.request(for: Partial(bytes: 5, total: 9, validator: "v")) == .rest(from: 5, ifRange: "v"))
        // Without a validator the part could be of another version.
        #expect(TransferRules.request(for: Partial(bytes: 5, total: 9, validator: nil)) == .whole)
        #expect(TransferRules.request(for: Partial(bytes: 9, total: 9, validator: nil)) == .none)
        #expect(TransferRules.request(for: Partial(bytes: 10, total: 9, validator: "v")) == .whole)
    }

    @Test func whatIsDoneWithAnAnswer() {
        let partial = Partial(bytes: 5, total: 10, validator: "\"v\"")
        let rest = TransferRules.Request.rest(from: 5, ifRange: "\"v\"")
        let answer = { TransferRules.answer($0, to: rest, partial: partial) }
        #expect(
            answer(head("HTTP/1.1 206 x", "Content-Range: bytes 5-9/10", "ETag: \"v\""))
                == .write(at: 5, whole: partial))
        // `whole.bytes` is where writing begins.
        #expect(
            answer(head("HTTP/1.1 200 x", "Content-Length: 12", "ETag: \"w\""))
                == .write(at: 0, whole: Partial(bytes: 0, total: 12, validator: "\"w\"")))
        for lines in ["bytes 4-9/10", "bytes 5-8/10", "bytes 5-10/11", "bytes */10", "nonsense"] {
            guard case .startOver = answer(head("HTTP/1.1 206 x", "Content-Range: " + lines)) else {
                Issue.record("'\(lines)' was taken")
                continue
            }
        }
        guard case .startOver = answer(head("HTTP/1.1 416 x")) else {
            Issue.record("416 was taken")
            return
        }
    }

    @Test func whatPassesAndWhatDoesNot() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let answer = TransferRules.answer(
                head("HTTP/1.1 \(status) x"), to: .whole, partial: .nothing, retryAfter: 7)
            guard case .fail(.passing(_, retryAfter: 7)) = answer else {
                Issue.record("\(status): \(answer)")
                continue
            }
        }
        for status in [400, 401, 403, 404, 410, 451, 501] {
            let answer = TransferRules.answer(head("HTTP/1.1 \(status) x"), to: .whole, partial: .nothing)
            guard case .fail(.refused(let reason)) = answer, reason.contains("\(status)") else {
                Issue.record("\(status): \(answer)")
                continue
            }
        }
    }

    @Test func sizesThatMakeNoSenseAreRefused() {
        let whole = TransferRules.survey(head("HTTP/1.1 200 x", "Content-Length: \(Int.max)"))
        guard case .failure(.refused(let reason)) = whole, reason.contains("\(Int.max) bytes") else {
            Issue.record("\(whole)")
            return
        }
        let partial = Partial(bytes: 5, total: nil, validator: "\"v\"")
        let rest = TransferRules.answer(
            head("HTTP/1.1 206 x", "Content-Range: bytes 5-\(Int.max - 1)/\(Int.max)"),
            to: .rest(from: 5, ifRange: "\"v\""), partial: partial)
        guard case .fail(.refused) = rest else {
            Issue.record("\(rest)")
            return
        }
    }

    @Test func beginnings() {
        let archive = ExpectedContent.archive
        #expect(archive.objection(to: [0x1F, 0x8B, 8]) == nil)
        #expect(archive.objection(to: Array("\n <!DOCTYPE html>".utf8))?.contains("web page") == true)
        #expect(archive.objection(to: Array("<?xml version=\"1.0\"?><Error>".utf8))?.contains("web page") == true)
        #expect(archive.objection(to: []) == "it is empty")
        #expect(archive.objection(to: [UInt8](repeating: 7, count: 512)) == "it is neither gzip nor tar")
        #expect(ExpectedContent.text.objection(to: Array("label,youtube_id".utf8)) == nil)
        #expect(ExpectedContent.text.objection(to: Array("<html>".utf8)) != nil)
    }

    @Test func waitsDoubleUpToALongestOne() {
        var policy = RetryPolicy()
        (policy.firstWait, policy.longestWait, policy.attempts) = (1, 5, 6)
        var history = RetryPolicy.History()
        let waits = (0..<6).map { _ in history.failed("x", progressed: false, policy: policy, random: 0) }
        #expect(waits == [.wait(1), .wait(2), .wait(4), .wait(5), .wait(5), .giveUp("x, 6 times in a row")])
    }

    @Test func newBytesBeginTheCountAnew() {
        var policy = RetryPolicy()
        policy.attempts = 2
        var history = RetryPolicy.History()
        for _ in 0..<50 {
            #expect(history.failed("x", progressed: true, policy: policy, random: 0.5) == .wait(0.75))
        }
        #expect(history.failed("x", progressed: false, policy: policy, random: 0) == .giveUp("x, 2 times in a row"))
        #expect(history.failures == 51)
    }

    @Test func whatTheServerAsksForIsObeyed() {
        let policy = RetryPolicy()
        var history = RetryPolicy.History()
        #expect(history.failed("x", retryAfter: 30, progressed: false, policy: policy, random: 0) == .wait(30))
        #expect(history.failed("x", retryAfter: 1, progressed: false, policy: policy, random: 0) == .wait(2))
        guard case .giveUp = history.failed("x", retryAfter: 86_400, progressed: false, policy: policy, random: 0)
        else {
            Issue.record("a day's wait was accepted")
            return
        }
    }

    @Test func stalls() {
        var watch = StallWatch(window: 10, leastBytes: 100, now: 0)
        watch.received(100)
        let whileWaiting = watch.isStalled(now: 9)
        let afterEnough = watch.isStalled(now: 10)
        watch.received(99)
        let afterLittle = watch.isStalled(now: 20)
        #expect(!whileWaiting && !afterEnough && afterLittle)
    }
}

@Suite("Rates") struct RateMeterTests {
    @Test func theLastSecondsCount() {
        var meter = RateMeter(window: 10)
        #expect(meter.perSecond == 0)
        // 100 a second for 50 s, asked a thousand times a second; then 10 a second.
        for i in 0...50_000 { meter.record(i / 10, at: Double(i) / 1000) }
        #expect(abs(meter.perSecond - 100) < 1)
        for i in 1...20 { meter.record(5000 + 10 * i, at: 50 + Double(i)) }
        // The window may begin up to a sample before its ten seconds.
        #expect(abs(meter.perSecond - 10) < 1)
    }
}
