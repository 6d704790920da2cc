import Foundation
import TestSupport
import Testing

/// What Prometheus is told of the workers that `zoetrope train` starts.
@Suite("Metrics of local workers", .serialized, .timeLimit(.minutes(2)))
struct WorkerMetricsTests {
    /// What a GET answers, behind its head.
    private func body(of path: String, at address: some StringProtocol) throws -> String {
        let connection = try RawConnection(String(address))
        #expect(connection.send(Array("GET \(path) HTTP/1.0\r\n\r\n".utf8)))
        let answer = connection.rest()
        try #require(answer.hasPrefix("HTTP/1.1 200") || answer.hasPrefix("HTTP/1.0 200"), "\(answer)")
        return answer.components(separatedBy: "\r\n\r\n").dropFirst().joined()
    }

    @Test("Each serves its own, and /targets of the page lists them as http_sd_configs takes it")
    func targets() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(
                MotionRun.arguments(run: run, workers: 2, "schedule.steps=1000") + [
                    "--dashboard", "127.0.0.1:0", "--metrics",
                ])
            let seen = try MotionRun.status(of: run) { status in
                let members = status["members"] as? [[String: Any]] ?? []
                return members.count == 2 && (status["step"] as? Int ?? 0) >= 1
            }
            let told = (seen["members"] as? [[String: Any]] ?? []).compactMap { $0["metrics"] as? String }
            let page = try text(of: run + "/dashboard").trimmingCharacters(in: .init(charactersIn: "/\n"))
            // The page learns once a second who is here.
            let deadline = Date().addingTimeInterval(60)
            var listed: [[String: Any]] = []
            while listed.count < 2, Date() < deadline {
                let text = try body(of: "/targets", at: page)
                listed = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            }
            #expect(listed.compactMap { ($0["targets"] as? [String])?.first }.sorted() == told.sorted())
            for target in listed {
                let labels = try #require(target["labels"] as? [String: String])
                let worker = try #require(labels["worker"])
                #expect(["worker-0", "worker-1"].contains(worker))
                let address = try #require((target["targets"] as? [String])?.first)
                let metrics = try body(of: "/metrics", at: "tcp://" + address)
                #expect(metrics.contains("zoetrope_worker_info{worker=\"\(worker)\"} 1"), "\(metrics)")
                #expect(metrics.contains("process_resident_memory_bytes"))
            }
            training.kill(SIGTERM)
            #expect(training.wait().status == 75)
        }
    }

    @Test("Without a page nobody would learn of the ports: refused")
    func pageless() throws {
        let refused = try Program.start(MotionRun.arguments(run: "/nowhere", workers: 1) + ["--metrics"]).wait()
        #expect(refused.status == 64)
        #expect(refused.errors.contains("add --dashboard"), "\(refused.errors)")
    }
}
