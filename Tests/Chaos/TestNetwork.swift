import Foundation
import Glibc

/// Hosts in network namespaces on one bridge, each with an address of its own: 10.77.0.1, .2, ...
///
/// Their links can be cut, limited, and made deaf in one direction; nothing else on the machine notices.
final class TestNetwork {
    private let prefix: String
    private let hosts: [String]
    private var hub: String { prefix + "hub" }

    /// - Throws: `ChaosFault` with the command that failed.
    init(hosts: [String]) throws {
        self.hosts = hosts
        prefix = "zc\(getpid())-"
        for host in hosts + ["hub"] { try command("ip", "netns", "add", prefix + host) }
        try command("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        try command("ip", "-n", hub, "link", "set", "bridge", "up")
        for host in hosts {
            try command(
                "ip", "link", "add", "to-\(host)", "netns", hub, "type", "veth", "peer", "name", "eth0", "netns",
                prefix + host)
            try command("ip", "-n", hub, "link", "set", "to-\(host)", "master", "bridge", "up")
            try command("ip", "-n", prefix + host, "address", "add", address(host) + "/24", "dev", "eth0")
            try command("ip", "-n", prefix + host, "link", "set", "lo", "up")
            try command("ip", "-n", prefix + host, "link", "set", "eth0", "up")
        }
    }

    func remove() {
        for host in hosts + ["hub"] { _ = try? run("ip", "netns", "delete", prefix + host) }
    }

    func address(_ host: String) -> String { "10.77.0.\((hosts.firstIndex(of: host) ?? 0) + 1)" }

    /// What stands before a command so that it runs on that host.
    func on(_ host: String) -> [String] { ["ip", "netns", "exec", prefix + host] }

    /// Pulls the cable out, or puts it in.
    func setLink(_ host: String, up: Bool) throws {
        try command("ip", "-n", hub, "link", "set", "to-\(host)", up ? "up" : "down")
    }

    /// Both directions of a host's link.
    ///
    /// The burst holds more than the 64 KiB that TCP hands to a card in one piece, as real cards do: with less the kernel cuts each
    /// piece into frames before it limits them, which took a quarter of a core at 1 Gbit/s from those who compute.
    func limit(_ host: String, _ rate: String) throws {
        let limit = ["root", "tbf", "rate", rate, "burst", "256kb", "latency", "400ms"]
        try command(["tc", "-n", hub, "qdisc", "replace", "dev", "to-\(host)"] + limit)
        try command(["tc", "-n", prefix + host, "qdisc", "replace", "dev", "eth0"] + limit)
    }

    func unlimit(_ host: String) throws {
        try command("tc", "-n", hub, "qdisc", "delete", "dev", "to-\(host)", "root")
        try command("tc", "-n", prefix + host, "qdisc", "delete", "dev", "eth0", "root")
    }

    /// Bytes that a host has sent, headers of Ethernet, IP and TCP included.
    func sent(_ host: String) throws -> Int {
        let path = "/sys/class/net/eth0/statistics/tx_bytes"
        let result = try run(on(host) + ["cat", path])
        guard let bytes = Int(result.text.filter(\.isNumber)) else {
            throw ChaosFault("\(path) of \(host): \(result.exit): \(result.text)")
        }
        return bytes
    }

    /// What `from` sends to `to` is lost, and only that: it believes in a hardware address that nobody has.
    func lose(from: String, to: String) throws {
        try command(
            "ip", "-n", prefix + from, "neighbour", "replace", address(to), "lladdr", "02:00:00:00:00:01", "dev",
            "eth0",
            "nud", "permanent")
    }

    func heal(from: String, to: String) throws {
        try command("ip", "-n", prefix + from, "neighbour", "delete", address(to), "dev", "eth0")
    }

    private func command(_ words: String...) throws { try command(words) }

    private func command(_ words: [String]) throws {
        let result = try run(words)
        guard result.exit == .code(0) else {
            throw ChaosFault("\(words.joined(separator: " ")): \(result.exit): \(result.text)")
        }
    }
}

extension Lab {
    /// A network with these hosts for the time of the case.
    func network(hosts: [String]) throws -> TestNetwork {
        let network = try TestNetwork(hosts: hosts)
        atEnd { network.remove() }
        return network
    }

    /// The coordinator on host `z`, one worker on each of `workers`, until the first steps are done.
    func begin(on network: TestNetwork, workers: [String], warmUp: Int = 3) throws {
        _ = try laboratory.undisturbed(recipe, data: data)
        let keys = try keyFlags()
        let listen = "tcp://\(network.address("z")):5570"
        let path = try configuration(coordinator: listen)
        try cluster.start(
            TestCluster.coordinator,
            network.on("z") + coordinatorCommand(workers: workers.count, configuration: path) + keys)
        for name in workers {
            let path = try configuration(name, dataHost: network.address(name))
            try cluster.start(name, network.on(name) + workerCommand(name, join: listen, configuration: path) + keys)
        }
        try cluster.waitForStep(warmUp)
    }
}
