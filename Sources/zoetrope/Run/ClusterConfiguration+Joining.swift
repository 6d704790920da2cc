import Faults
import Protocol

extension ClusterConfiguration {
    /// Workers on the hosts of the list join at the coordinator's address.
    /// - Throws: `Fault.usage` when that is an address of one machine alone, and a host is another machine.
    func requireAddressForHosts() throws(Fault) {
        let address = coordinator.address
        guard try isThisMachineOnly(address) else { return }
        for host in launch.hosts {
            let name = host.address.split(separator: "@").last.map(String.init) ?? host.address
            let isHere = (try? isThisMachineOnly("tcp://\(name):1")) ?? false
            guard isHere else {
                let machine = launch.coordinator?.name ?? "this machine"
                throw Fault(
                    .usage, "coordinator.address", "\(host.name) cannot join at \(address), which is one machine alone",
                    mend: "write the address by which the hosts reach \(machine): tcp://HOST:5570")
            }
        }
    }
}
