import Configuration
import Faults

extension ClusterConfiguration {
    /// Where and how `zoetrope launch` starts workers.
    public struct Launch: Sendable, Equatable {
        /// The ssh program and what it always needs.
        public var ssh: [String]
        /// Seconds that a process may take to end once it was told to.
        public var grace: Double
        /// What a host without a table of its own is like; its name is empty.
        public var standard: Host
        /// In the order of the file, each name once.
        public var hosts: [Host]
        /// Where the coordinator is started; nil: on the machine where the launch runs.
        public var coordinator: Host?
    }

    /// A machine, or a part of one, that runs one worker.
    public struct Host: Sendable, Equatable {
        /// What people call it; logs and `zoetrope status` show it.
        public var name: String
        /// What ssh connects to.
        public var address: String
        /// Empty: as ssh decides.
        public var user = ""
        /// 0: as ssh decides.
        public var port = 0
        /// More arguments of ssh.
        public var options: [String] = []
        /// The program there.
        public var program = "zoetrope"
        /// The data set's folder there; empty: as a worker without `--data`.
        public var data = ""
        /// Of the worker there; nil: what `[worker]` says.
        public var threads: Int?
        public var recompute: Bool?
        public var cache: String?
        public var dataHost: String?
        public var dataBind: String?
        public var metrics: String?

        public init(name: String) {
            self.name = name
            address = name
        }
    }
}

extension ClusterConfiguration.Launch {
    /// Takes `[launch]` and `[[launch.host]]`.
    /// - Throws: `Fault.usage` for names that no host can have, names that come twice, and values out of range.
    init(_ reader: inout Reader) throws(Fault) {
        let hosts = try reader.strings("launch.hosts", default: [])
        ssh = try reader.strings("launch.ssh", default: ["ssh"])
        guard let program = ssh.first, !program.isEmpty else {
            throw Fault(.usage, reader.place("launch.ssh"), "names no program", mend: "write [\"ssh\"]")
        }
        grace = try reader.real("launch.grace", default: 60, in: 0.1...86_400)
        var standard = ClusterConfiguration.Host(name: "")
        try standard.take(&reader, prefix: "launch.")
        self.standard = standard
        var found: [ClusterConfiguration.Host] = []
        for name in hosts {
            var host = standard
            (host.name, host.address) = (name, name)
            try host.check(reader.place("launch.hosts"))
            found.append(host)
        }
        found += try reader.tables("launch.host") { table throws(Fault) in
            var host = standard
            host.name = try table.string("name")
            host.address = try table.string("address", default: host.name)
            try host.take(&table, prefix: "")
            if table.has("threads") {
                host.threads = try table.integer("threads", in: ClusterConfiguration.threads)
            }
            if table.has("recompute") { host.recompute = try table.boolean("recompute") }
            if table.has("cache") { host.cache = try table.string("cache") }
            if table.has("data_host") { host.dataHost = try table.string("data_host") }
            if table.has("data_bind") { host.dataBind = try table.string("data_bind") }
            if table.has("metrics") { host.metrics = try table.string("metrics") }
            try host.check(table.place("name"))
            return host
        }
        var names: Set<String> = []
        for host in found where !names.insert(host.name).inserted {
            throw Fault(
                .usage, reader.place("launch.hosts"), "'\(host.name)' is there twice",
                mend: "two workers on one machine are two [[launch.host]] with one address and two names")
        }
        self.hosts = found
        let name = try reader.string("launch.coordinator", default: "")
        if !name.isEmpty {
            var host = standard
            (host.name, host.address) = (name, name)
            try host.check(reader.place("launch.coordinator"))
            coordinator = found.first { $0.name == name } ?? host
        }
    }
}

extension ClusterConfiguration.Host {
    /// The keys that stand in `[launch]` and in a host's own table.
    fileprivate mutating func take(_ reader: inout Reader, prefix: String) throws(Fault) {
        user = try reader.string(prefix + "user", default: user)
        port = try reader.integer(prefix + "port", default: port, in: 0...65_535)
        options = try reader.strings(prefix + "options", default: options)
        program = try reader.string(prefix + "program", default: program)
        data = try reader.string(prefix + "data", default: data)
        guard !program.isEmpty, !(program + data + user).contains(where: \.isNewline) else {
            throw Fault(.usage, reader.place(prefix + "program"), "is no path", mend: "name the program on the host")
        }
    }

    /// A name that ssh would take for an option, or a shell for more than a word, is none.
    fileprivate func check(_ place: String) throws(Fault) {
        for text in [name, address, user] {
            let isPlain = text.utf8.allSatisfy { byte in
                (97...122).contains(byte | 32) || (48...57).contains(byte) || "._-:%@[]".utf8.contains(byte)
            }
            guard isPlain, !text.hasPrefix("-"), text.utf8.count <= 255, !name.isEmpty, !address.isEmpty else {
                throw Fault(.usage, place, "'\(text)' is no name of a host or user", mend: "write it as ssh takes it")
            }
        }
    }
}
