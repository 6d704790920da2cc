import Configuration
import Faults
import Launch
import Protocol
import TestSupport
import Testing

@Suite("How hosts are reached")
struct TransportTests {
    private func host(_ change: (inout ClusterConfiguration.Host) -> Void = { _ in }) -> ClusterConfiguration.Host {
        var host = ClusterConfiguration.Host(name: "a")
        change(&host)
        return host
    }

    @Test("ssh asks for no password, gets the host's options before ours, and its shell one word")
    func ssh() {
        let plain = Transport.ssh(["ssh"]).command(host())
        #expect(plain.suffix(3) == ["--", "a", "exec zoetrope tend"])
        #expect(plain.contains("BatchMode=yes"))
        let other = Transport.ssh(["/usr/bin/ssh", "-F", "config"]).command(
            host {
                ($0.user, $0.port, $0.options, $0.address) = ("alice", 2222, ["-o", "BatchMode=no"], "10.0.0.7")
                $0.program = "my tools/zoe'trope; rm -rf /"
            })
        #expect(other.prefix(5) == ["/usr/bin/ssh", "-F", "config", "-o", "BatchMode=no"])
        #expect(
            other.suffix(7) == [
                "-l", "alice", "-p", "2222", "--", "10.0.0.7", #"exec 'my tools/zoe'\''trope; rm -rf /' tend"#,
            ])
        let home = Transport.ssh(["ssh"]).command(host { $0.program = "~/bin/my zoetrope" })
        #expect(home.last == "exec ~/'bin/my zoetrope' tend")
    }

    @Test("srun takes a node each, beside what runs there, and ends no other step")
    func slurm() {
        let command = Transport.slurm.command(host { $0.program = "/opt/zoetrope" })
        #expect(command.first == "srun")
        #expect(command.suffix(2) == ["/opt/zoetrope", "tend"])
        for word in ["--overlap", "--no-kill", "--kill-on-bad-exit=0", "--nodelist=a"] {
            #expect(command.contains(word))
        }
    }

    private func plan(keys: [String: String]) -> LaunchPlan {
        var cluster = ClusterConfiguration.standard
        cluster.worker.decodeThreads = 3
        cluster.timeouts.patience = 33
        return LaunchPlan(
            program: "/opt/zoetrope", transport: .ssh(["ssh"]), endpoint: "tcp://10.0.0.1:5570", cluster: cluster,
            coordinator: ["coordinator", "--recipe", "r.toml"], workerKeys: keys, isInsecure: keys.isEmpty)
    }

    @Test("No secret is in a command, in an argument, or in what a dry run prints")
    func secrets() {
        let plan = plan(keys: ["worker.key": "SECRET", "worker.pub": "p", "coordinator.pub": "q"])
        let start = plan.start(host())
        #expect(start.order.files["worker.key"] == "SECRET")
        #expect(start.order.arguments.contains("--keys"))
        for text in [start.command.joined(), start.order.arguments.joined(), plan.text([host()])] {
            #expect(!text.contains("SECRET"))
        }
        #expect(
            plan.text([host()]).contains("over standard input: cluster.conf, coordinator.pub, worker.key, worker.pub"))
    }

    @Test("A worker gets what cluster.conf and its host say, as a file that cluster.conf's reader takes")
    func configuration() throws {
        let plan = plan(keys: [:])
        let start = plan.start(
            host { ($0.threads, $0.dataHost, $0.data, $0.cache) = (7, "10.1.0.7", "sets/motion", "/disk/cache") })
        let text = try #require(start.order.files["cluster.conf"])
        let read = try ClusterConfiguration.read(Document(toml: text, name: "cluster.conf"))
        #expect((read.worker.threads, read.worker.decodeThreads, read.worker.dataHost) == (7, 3, "10.1.0.7"))
        #expect(!read.worker.recompute)
        let lean = try #require(plan.start(host { $0.recompute = true }).order.files["cluster.conf"])
        #expect(try ClusterConfiguration.read(Document(toml: lean, name: "cluster.conf")).worker.recompute)
        #expect(read.timeouts.patience == 33)
        // One machine's address is nothing to the others; a port is.
        #expect(read.worker.metrics.isEmpty)
        #expect(read.security.insecure)
        #expect(!start.order.arguments.contains("--keys"))
        for pair in [["--data", "sets/motion"], ["--cache", "/disk/cache"], ["--name", "a"]] {
            #expect(start.order.arguments.joined(separator: " ").contains(pair.joined(separator: " ")))
        }
    }

    @Test("A coordinator on a host is started there, with its files over standard input and no secret elsewhere")
    func coordinatorElsewhere() throws {
        var plan = plan(keys: ["worker.key": "SECRET"])
        #expect(plan.coordinatorStart.command == ["/opt/zoetrope", "tend"])
        plan.cluster.launch.coordinator = host { ($0.address, $0.program) = ("10.0.0.7", "bin/zoetrope") }
        plan.coordinatorFiles = ["coordinator.key": "SECRET", "recipe.toml": "seed = 1\n"]
        let start = plan.coordinatorStart
        #expect(start.command.suffix(3) == ["--", "10.0.0.7", "exec bin/zoetrope tend"])
        #expect(start.order.farewell == 15)
        #expect(start.order.files["coordinator.key"] == "SECRET")
        #expect(!plan.text([]).contains("SECRET"))
        #expect(plan.text([]).contains("over standard input: coordinator.key, recipe.toml"))
        plan.cluster.coordinator.replicas = 3
        plan.cluster.coordinator.dashboard = "10.0.0.7:8017"
        let text = LaunchPlan.coordinatorConfiguration(plan.cluster)
        let read = try ClusterConfiguration.read(Document(toml: text, name: "cluster.conf"))
        #expect(read.coordinator == plan.cluster.coordinator)
        #expect(read.timeouts == plan.cluster.timeouts)
    }

    @Test("A job of Slurm is known by its environment, and nothing else is one")
    func job() throws {
        let variables = ["SLURM_JOB_ID": "123456", "SLURM_JOB_NODELIST": "n[1-3]", "SLURM_CPUS_PER_TASK": "8"]
        let job = try SlurmJob { variables[$0] }
        #expect((job.id, job.nodeList, job.threads, job.port) == (123456, "n[1-3]", 8, 23456))
        #expect(throws: Fault.self) { try SlurmJob { _ in nil } }
        #expect(throws: Fault.self) { try SlurmJob { $0 == "SLURM_JOB_ID" ? "7" : nil } }
    }

    @Test("Names before lines have one width, and colours only where they are asked for")
    func prefix() {
        let plain = LogPrefix(names: ["a", "coordinator"], isColoured: false)
        #expect(plain.text(.worker("a")) == "[a]           ")
        #expect(plain.text(.coordinator) == "[coordinator] ")
        let coloured = LogPrefix(names: ["a"], isColoured: true)
        #expect(coloured.text(.worker("a")).hasPrefix("\u{1B}["))
        #expect(coloured.text(.worker("a")) == coloured.text(.worker("a")))
    }
}
