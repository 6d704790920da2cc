import Faults
import Glibc
import Protocol
import TestSupport
import Testing

@Suite("Key folders")
struct KeysTests {
    private func withKeys<T>(_ body: (String) throws -> T) throws -> T {
        try withTemporaryFolder { folder in
            try Keys.create(folder + "/keys")
            return try body(folder + "/keys")
        }
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test("A new folder serves every role, and only its owner can read a secret")
    func fresh() throws {
        try withKeys { folder in
            for role in Role.allCases {
                let keys = try Keys.read(folder, as: role)
                #expect(keys.role == role)
                #expect(mode("\(folder)/\(role.rawValue).key") == 0o600)
            }
            #expect(mode(folder) == 0o700)
        }
    }

    @Test("Keys are never overwritten")
    func exists() throws {
        try withKeys { folder in
            let before = try text(of: folder + "/worker.key")
            let fault = #expect(throws: Fault.self) { try Keys.create(folder) }
            #expect(fault?.mend.contains("never overwritten") == true)
            let after = try text(of: folder + "/worker.key")
            #expect(after == before)
        }
    }

    @Test("A folder whose files cannot be made does not stay")
    func unfinished() throws {
        try withTemporaryFolder { folder in
            // So long a name that the folder can be made, and no file in it.
            let length = 4096 - 6
            var parent = folder
            while length - parent.utf8.count > 220 {
                parent += "/" + String(repeating: "k", count: 200)
                try #require(mkdir(parent, 0o700) == 0)
            }
            let keys = parent + "/" + String(repeating: "k", count: length - parent.utf8.count - 1)
            #expect(throws: Fault.self) { try Keys.create(keys) }
            #expect(mode(keys) == 0)
        }
    }

    @Test("What was made is removed, and nothing else that lies there")
    func removed() throws {
        try withKeys { folder in
            try Keys.create(folder + "/others")
            Keys.remove(folder)
            #expect(mode(folder + "/worker.key") == 0 && mode(folder + "/others/worker.key") == 0o600)
            Keys.remove(folder + "/others")
            #expect(mode(folder + "/others") == 0)
        }
    }

    @Test("No two folders have a key in common")
    func distinct() throws {
        try withKeys { first in
            try withKeys { second in
                for role in Role.allCases {
                    let texts = try [first, second].map { try text(of: "\($0)/\(role.rawValue).key") }
                    #expect(texts[0] != texts[1])
                }
            }
        }
    }

    @Test(
        "Secrets that others may read, and keys that others may change, are refused with what to do",
        arguments: [
            ("worker.key", 0o640, "chmod 600"), ("worker.key", 0o604, "chmod 600"), ("worker.pub", 0o664, "chmod go-w"),
            ("coordinator.pub", 0o646, "chmod go-w"), ("", 0o770, "chmod 700"), ("", 0o707, "chmod 700"),
        ] as [(String, mode_t, String)])
    func permissions(file: String, mode: mode_t, mend: String) throws {
        try withKeys { folder in
            try #require(chmod("\(folder)/\(file)", mode) == 0)
            let fault = #expect(throws: Fault.self) { try Keys.read(folder, as: .worker) }
            #expect(fault?.code == .usage)
            #expect(fault?.mend.contains(mend) == true, "\(fault as Any)")
        }
    }

    @Test("What a role does not need it does not read: secrets of others may be away")
    func least() throws {
        try withKeys { folder in
            for role in Role.allCases where role != .worker {
                try #require(unlink("\(folder)/\(role.rawValue).key") == 0)
            }
            _ = try Keys.read(folder, as: .worker)
            let fault = #expect(throws: Fault.self) { try Keys.read(folder, as: .coordinator) }
            #expect(fault?.thing.hasSuffix("coordinator.key") == true)
        }
    }

    @Test("A secret that is not of its public key, damaged keys and missing folders are refused")
    func damaged() throws {
        try withKeys { folder in
            try withKeys { other in
                try #require(rename(other + "/worker.key", folder + "/worker.key") == 0)
                #expect(throws: Fault.self) { try Keys.read(folder, as: .worker) }
                #expect(throws: Fault.self) { try Keys.read(other, as: .worker) }
            }
            for content in ["", "# only a comment\n", "short\n", String(repeating: "~", count: 40), "\0\0\0"] {
                let file = try #require(fopen(folder + "/operator.key", "w"))
                fputs(content, file)
                fclose(file)
                #expect(throws: Fault.self) { try Keys.read(folder, as: .operator) }
            }
            #expect(throws: Fault.self) { try Keys.read(folder + "/nowhere", as: .worker) }
        }
    }

    @Test("Nothing that is printed of keys, nor the fault of a damaged file, shows a secret")
    func printing() throws {
        try withKeys { folder in
            let secret = try #require(try text(of: folder + "/worker.key").split(separator: "\n").last)
            let keys = try Keys.read(folder, as: .worker)
            var dumped = ""
            dump(Security(keys: keys), to: &dumped)
            for printed in ["\(keys)", String(reflecting: Security(keys: keys)), dumped] {
                #expect(!printed.contains(secret))
                // As bytes either: 32 numbers in brackets stand for the public keys only, of which there are two.
                #expect(printed.split(separator: "bytes: [").count <= 4, "\(printed)")
                #expect(!printed.contains("secret"))
            }
            let file = try #require(fopen(folder + "/worker.key", "a"))
            fputs(secret + "0\n", file)
            fclose(file)
            let fault = #expect(throws: Fault.self) { try Keys.read(folder, as: .worker) }
            #expect(fault?.description.contains(secret) == false)
        }
    }

    @Test("Without keys nothing listens on or joins another machine, and nothing ever listens on every interface")
    func withoutKeys() throws {
        func fault(listening endpoint: String, _ security: Security) throws -> Fault? {
            let context = try Context(security: security)
            return #expect(throws: Fault.self) { try Listener(context, endpoint: endpoint) }
        }
        try withKeys { folder in
            let keyed = try Security(keys: folder, insecure: false, role: .coordinator)
            let insecure = try Security(keys: "", insecure: true, role: .coordinator)
            for endpoint in ["tcp://*:0", "tcp://0.0.0.0:*", "tcp://[::]:0", "tcp://0:5570"] {
                for security in [.loopback, keyed, insecure] {
                    let fault = try fault(listening: endpoint, security)
                    #expect(fault?.reason.contains("every interface") == true, "\(endpoint): \(fault as Any)")
                }
            }
            // Of the documentation's network (RFC 5737): nobody's.
            let away = "tcp://192.0.2.1:5570"
            #expect(try fault(listening: away, .loopback)?.reason.contains("no keys") == true)
            for security in [insecure, keyed] {
                let fault = try fault(listening: away, security)
                #expect(fault?.reason.contains("no network interface") == true, "\(fault as Any)")
                // A machine that has just started may have it later.
                #expect(fault?.code == .stoppedEarly)
            }
            let joining = #expect(throws: Fault.self) { try Connection(try Context(), endpoint: away) }
            #expect(joining?.mend.contains("zoetrope keys") == true)
            _ = try Connection(try Context(security: insecure), endpoint: away)
            #expect(insecure.warning?.contains("INSECURE") == true)
            #expect(keyed.warning == nil && Security.loopback.warning == nil)
            #expect(throws: Fault.self) { try Security(keys: folder, insecure: true, role: .worker) }
        }
    }

    @Test(
        "Nothing but one TCP address is taken for an address",
        arguments: [
            "ipc:///tmp/x", "inproc://monitor-1", "tcp://", "tcp://a", "tcp://:1", "tcp://a:b", "tcp://a:65536",
            "tcp://a:-1",
            "tcp://a:+1", "tcp://lo;127.0.0.1:1", "tcp://127.0.0.1:1;127.0.0.1:2", "tcp://a b:1", "tcp://a\n:1",
            "tcp://[::1:1",
            "tcp://::1:1", "tcp://a/b:1", "udp://127.0.0.1:1", " tcp://127.0.0.1:1",
            "tcp://" + String(repeating: "a", count: 400) + ":1",
        ])
    func addresses(text: String) throws {
        let context = try Context(security: try Security(keys: "", insecure: true, role: .worker))
        let fault = #expect(throws: Fault.self) { try Connection(context, endpoint: text) }
        #expect(fault?.code == .usage)
        #expect(throws: Fault.self) { try Listener(context, endpoint: text) }
    }

    @Test("The address towards a coordinator on this machine is the loopback's")
    func local() throws {
        #expect(try localAddress(towards: "tcp://127.0.0.1:5570") == "127.0.0.1")
        #expect(try localAddress(towards: "tcp://localhost:5570").isEmpty == false)
        // It may come: another try helps, which 64 would forbid.
        let fault = #expect(throws: Fault.self) { try localAddress(towards: "tcp://no-such-host.invalid:1") }
        #expect(fault?.code == .stoppedEarly)
    }

    @Test("Of a flood a few lines are written, and the count is right")
    func flood() {
        var count = RefusalCount(lines: 3, seconds: 10)
        let fault = Fault(.data, "192.0.2.1", "turned away")
        let told = (0..<100).compactMap { _ in count.add(fault, now: 0) }
        #expect(told.count == 3)
        #expect(count.count == 100)
        // Another reason is told all the same, and many others are not.
        #expect(count.add(Fault(.data, "192.0.2.1", "another"), now: 1)?.reason == "another (and 97 more before)")
        let others = (0..<100).compactMap { count.add(Fault(.data, "192.0.2.1", "reason \($0)"), now: 1) }
        #expect(others.count == 8)
        #expect(count.count == 201)
        #expect(count.add(fault, now: 11)?.reason == "turned away (and 92 more before)")
        #expect(count.add(fault, now: 12)?.reason == "turned away")
    }
}
