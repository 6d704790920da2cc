import Faults
import Protocol
import Testing
import Worker

@Suite("Where a worker listens")
struct WorkerAddressTests {
    /// Of the documentation's network (RFC 5737): nobody's. As it is behind address translation, or before the network is up.
    @Test("One whose data_host is not its machine's is told of data_bind")
    func aNameForOthersOnly() throws {
        let security = try Security(keys: "", insecure: true, role: .worker)
        let settings = WorkerShell.Settings(
            coordinator: "tcp://127.0.0.1:5570", name: "worker", dataHost: "192.0.2.1", threads: 1, product: "test",
            security: security)
        let fault = #expect(throws: Fault.self) {
            _ = try WorkerShell(
                settings, build: { _ throws(Fault) in throw Fault(.internal, "worker", "nobody is to join") })
        }
        #expect(fault?.code == .stoppedEarly, "\(fault as Any)")
        #expect(fault?.thing.contains("worker.data_host") == true, "\(fault as Any)")
        #expect(fault?.mend.contains("worker.data_bind") == true, "\(fault as Any)")
    }
}
