import Faults
import Foundation

/// iperf3 between two of its own processes over loopback, one TCP connection: what plain sockets carry here.
struct Iperf3 {
    let bytes: Int
    let seconds: Double
    /// Of both ends together.
    let processorSeconds: Double

    /// Blocks for about `seconds`, of which iperf3 takes whole ones.
    /// - Throws: `Fault` when it is not installed, does not start, or prints something else than its report.
    init(seconds: Double) throws {
        let port = String(try unusedPort())
        let server = Self.process(["-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", port])
        let words = Pipe()
        server.standardOutput = words
        try server.run()
        defer {
            server.terminate()
            server.waitUntilExit()
        }
        var said = Data()
        while !String(decoding: said, as: UTF8.self).contains("listening") {
            let more = words.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Self.missing(server) }
            said += more
        }
        let client = Self.process(["-c", "127.0.0.1", "-p", port, "-t", "\(Int(seconds.rounded(.up)))", "-J"])
        let report = Pipe()
        client.standardOutput = report
        try client.run()
        let bytes = report.fileHandleForReading.readDataToEndOfFile()
        client.waitUntilExit()
        try self.init(report: bytes)
    }

    /// - Parameter report: what its client prints with `-J`.
    init(report: Data) throws(Fault) {
        struct Report: Decodable {
            struct End: Decodable {
                struct Sum: Decodable {
                    let bytes: Int
                    let seconds: Double
                }
                struct Processor: Decodable {
                    // Percent of one processor.
                    let host_total: Double
                    let remote_total: Double
                }
                let sum_received: Sum?
                let cpu_utilization_percent: Processor?
            }
            let end: End
            let error: String?
        }
        guard let report = try? JSONDecoder().decode(Report.self, from: report),
            let sum = report.end.sum_received, let processor = report.end.cpu_utilization_percent,
            report.error == nil, sum.bytes > 0, sum.seconds > 0
        else {
            let words = String(decoding: report.prefix(200), as: UTF8.self)
            throw Fault(.data, "iperf3", "its report is not understood: \(words)", mend: "run 'iperf3 -c' by hand")
        }
        (bytes, seconds) = (sum.bytes, sum.seconds)
        processorSeconds = (processor.host_total + processor.remote_total) / 100 * sum.seconds
    }

    private static func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["iperf3"] + arguments
        return process
    }

    /// Why its server has ended before it listened; `env` ends with 127 when there is no such program.
    private static func missing(_ server: Process) -> Fault {
        server.waitUntilExit()
        return server.terminationStatus == 127
            ? Fault(.usage, "iperf3", "is not installed", mend: "apt-get install iperf3, or leave --iperf3 out")
            : Fault(.data, "iperf3", "its server ended with exit code \(server.terminationStatus)", mend: "try again")
    }
}

/// A port of loopback that nobody listened on a moment ago.
private func unusedPort() throws(Fault) -> UInt16 {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(number, $0, length) == 0 && getsockname(number, $0, &length) == 0
        }
    }
    guard bound else { throw Fault(.internal, "loopback", "has no free port") }
    return UInt16(bigEndian: address.sin_port)
}
