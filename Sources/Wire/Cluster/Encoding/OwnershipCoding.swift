import CWire
import Faults

extension OwnershipMap {
    private enum Source {
        static let initial: UInt32 = 1
        static let checkpoint: UInt32 = 2
        static let peer: UInt32 = 3
    }

    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__OwnershipMap> {
        var kinds: [UInt32] = []
        var peers: [UInt64] = []
        for source in sources {
            switch source {
            case .initial: kinds.append(Source.initial)
            case .checkpoint: kinds.append(Source.checkpoint)
            case .peer(let incarnation):
                kinds.append(Source.peer)
                peers.append(incarnation)
            }
        }
        return arena.make(zoetrope__ownership_map__init) {
            $0.pointee.number = Int64(number)
            $0.pointee.version = Int64(version)
            $0.pointee.n_members = members.count
            $0.pointee.members = arena.array(members.map(\.incarnation))
            $0.pointee.n_endpoints = members.count
            $0.pointee.endpoints = arena.strings(members.map(\.endpoint))
            $0.pointee.n_owners = owners.count
            $0.pointee.owners = arena.array(owners)
            $0.pointee.n_sources = kinds.count
            $0.pointee.sources = arena.array(kinds)
            $0.pointee.n_peers = peers.count
            $0.pointee.peers = arena.array(peers)
            $0.pointee.revision = Int64(revision)
            $0.pointee.n_buddy_counts = buddies.count
            $0.pointee.buddy_counts = arena.array(buddies.map { UInt32($0.count) })
            let all = buddies.flatMap(\.self)
            $0.pointee.n_buddies = all.count
            $0.pointee.buddies = arena.array(all)
        }
    }

    init(_ message: Zoetrope__OwnershipMap) throws(Fault) {
        let owners = Checking.words(message.owners, message.n_owners)
        let members = Checking.words(message.members, message.n_members)
        let endpoints = Checking.texts(message.endpoints, message.n_endpoints)
        guard members.count == endpoints.count else {
            throw Checking.fault("\(members.count) members with \(endpoints.count) endpoints")
        }
        let kinds = UnsafeBufferPointer(start: message.sources, count: message.sources == nil ? 0 : message.n_sources)
        guard kinds.count == owners.count else {
            throw Checking.fault("\(owners.count) owners with \(kinds.count) sources")
        }
        var peers = Checking.words(message.peers, message.n_peers)[...]
        var sources: [StateSource] = []
        for kind in kinds {
            switch kind {
            case Source.initial: sources.append(.initial)
            case Source.checkpoint: sources.append(.checkpoint)
            case Source.peer:
                guard let peer = peers.popFirst() else { throw Checking.fault("a source's peer is missing") }
                sources.append(.peer(peer))
            default: throw Checking.fault("source \(kind) is unknown")
            }
        }
        guard peers.isEmpty else { throw Checking.fault("\(peers.count) peers belong to no source") }
        self.init(
            number: try Checking.mapNumber(message.number),
            revision: try Checking.number(message.revision, "revision"),
            version: try Checking.number(message.version, "version"), owners: owners,
            buddies: try Self.buddies(message, owners: owners.count), sources: sources,
            members: zip(members, endpoints).map { MemberAddress(incarnation: $0, endpoint: $1) })
    }

    private static func buddies(
        _ message: Zoetrope__OwnershipMap, owners: Int
    ) throws(Fault) -> [[Incarnation]] {
        let counts = UnsafeBufferPointer(
            start: message.buddy_counts, count: message.buddy_counts == nil ? 0 : message.n_buddy_counts)
        guard counts.count == owners else {
            throw Checking.fault("\(owners) owners with \(counts.count) counts of buddies")
        }
        var all = Checking.words(message.buddies, message.n_buddies)[...]
        var buddies: [[Incarnation]] = []
        for count in counts {
            guard Int(count) <= all.count else { throw Checking.fault("a chunk's buddies are missing") }
            buddies.append(Array(all.prefix(Int(count))))
            all = all.dropFirst(Int(count))
        }
        guard all.isEmpty else { throw Checking.fault("\(all.count) buddies belong to no chunk") }
        return buddies
    }
}
