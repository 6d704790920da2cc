import Wire

/// A connection between a client and a server (0 is the coordinator). Frames of a direction arrive in order as long as it
/// holds; when it breaks, what is under way is lost, or comes late, behind what the next connection carries.
struct SimulatedConnection {
    struct Key: Hashable {
        var client: UInt64
        var server: UInt64
    }

    var epoch = 0
    var downUntil = 0.0
    var lastToServer = 0.0
    var lastToClient = 0.0
}

/// What is under way, with the connection and the epoch it travels in.
enum SimulatedFrame {
    case toCoordinator(Frame<WorkerMessage>)
    case toWorker(Frame<CoordinatorMessage>)
    case request(Frame<ShardRequest>)
    case reply(Frame<ShardReply>)
}
