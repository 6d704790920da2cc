import Wire

/// One message of every kind and every shape, for round trips and as seeds for damage.
enum MessageSamples {
    private static let pool = PayloadPool()
    static func payload(_ count: Int) -> Payload {
        pool.payload(copying: (0..<count).map { Float($0) * 0.5 })
    }

    static let substitutes = [
        Substitute(position: 1 << 40, wanted: 7, used: 8, reason: "no frame decodes"),
        Substitute(position: 0, wanted: 0, used: 1, reason: ""),
    ]
    static let block = UnitBlock(first: 48, log2: 4)
    static let state = ChunkState(chunk: 5, version: 12, slots: [payload(16), payload(16)], digest: .max)

    static let progress = Progress(
        step: 3, units: 12, decodedAhead: 2, residentBytes: 1 << 33,
        time: TimeSplit(decode: 0.25, compute: 1e6, push: 0, pull: 1.5, wait: 7), decoding: 2.5, bytesSent: 1 << 50,
        bytesReceived: 3, activity: .pulling, unreached: .max)

    static let worker: [WorkerMessage?] = [
        nil,
        .hello(
            Hello(
                name: "näme", host: "host", process: 4321, threads: 8, endpoint: "tcp://127.0.0.1:5600",
                product: "0.1", metrics: "127.0.0.1:9117")),
        .ready(
            Ready(
                fingerprints: [Fingerprint(name: "numerics", value: "avx512"), Fingerprint(name: "", value: "")],
                heldVersion: 17, heldChunks: [0, 3, 1 << 20],
                keptBlocks: [
                    KeptBlock(
                        lease: 5, step: 17, block: block,
                        records: [UnitRecord(unit: 48, loss: 0.5, correct: 1, substitutes: substitutes)])
                ], ledgerTail: [record])),
        .ready(Ready(fingerprints: [])),
        .heartbeat(progress),
        .heartbeat(Progress()),
        .blockComputed(
            lease: .max,
            records: [
                UnitRecord(unit: 48, loss: 2.079441541679836, correct: 3, substitutes: substitutes),
                UnitRecord(unit: 49, loss: .infinity, correct: 0),
            ]),
        .blockDelivered(lease: 99, revision: 3),
        .replicasDiffer(Divergence(map: 6, version: 7, chunk: 3, owner: 1, buddy: 2)),
        .blockFailed(lease: 99, reason: "shard-3.mdb: cannot read it: Input/output error"),
        .chunksReady(
            map: 3, step: 9,
            chunks: [
                ReadyChunk(chunk: 0, sumOfSquares: 1.5e300, finite: true, digest: 1),
                ReadyChunk(chunk: 1, sumOfSquares: -0.0, finite: false, digest: 0),
            ]),
        .mapInstalled(map: 4, chunks: [ChunkDigest(chunk: 2, digest: 77), ChunkDigest(chunk: 3, digest: .max)]),
        .fetchCheckpoint(map: 4, chunk: 2),
        .checkpointChunk(state),
        .chunkDigests(map: 6, version: 4, chunks: [ChunkDigest(chunk: 2, digest: 77)]),
        .leaving,
        .suspect(0xFEED_FACE_CAFE_BEEF),
        .alarm(Alarm(map: 4, step: 5, block: block, chunk: 3, first: 11, second: 12)),
    ]

    static let coordinator: [CoordinatorMessage?] = [
        nil,
        .welcome(
            Welcome(
                generation: 3, run: .max, recipe: "[model]\nname = \"r2plus1d-10\"\n", data: "/data/motion",
                instructionSet: "avx512", dataSet: "format = 1\nclasses = [\"a\"]\n", manifestBytes: 1 << 34)),
        .refuse(Refusal(reason: "numerics: here avx512, there avx2", mayReturn: false)),
        .refuse(Refusal(reason: "", mayReturn: true)),
        .map(
            OwnershipMap(
                number: 6, revision: 2, version: 200, owners: [1, 2, 1, 2], buddies: [[2], [], [2, 3], [1]],
                sources: [.peer(1), .peer(2), .initial, .checkpoint],
                members: [
                    MemberAddress(incarnation: 1, endpoint: "tcp://10.0.0.1:5600"),
                    MemberAddress(incarnation: 2, endpoint: "tcp://10.0.0.2:5600"),
                ])),
        .map(OwnershipMap(number: 0, version: 0, owners: [], buddies: [], sources: [], members: [])),
        .lease(Lease(id: 1 << 60, map: 6, step: 200, block: block)),
        .revoke(lease: 4),
        .prefetch(step: 201, block: UnitBlock(first: 0, log2: 0)),
        .commit(Commit(map: 6, step: 200, rate: 0.01, coefficient: 0.25, skipped: true, last: false)),
        .commit(
            Commit(
                map: 6, step: 200, rate: 0.01, coefficient: 1, skipped: false, last: true, record: record,
                checkpoint: 150)),
        .rollForward(Commit(map: 6, step: 200, rate: 0.01, coefficient: 1, skipped: false, last: false)),
        .checkpoint(version: 201, chunks: [0, 2]),
        .compare(version: 201, chunks: [1]),
        .chunkStored(version: 201, chunk: 2),
        .stateChunk(map: 6, state: state),
        .departed(0xFEED),
        .drain,
        .stop(code: 75, reason: "stopped by the operator"),
    ]

    static let request: [ShardRequest?] = [
        nil,
        .push(Push(map: 6, step: 200, block: block, chunk: 4, checksum: .max, gradient: payload(1000))),
        .want(map: 6, revision: 2, version: 201, chunks: [3, 2, 1]),
        .fetchState(map: 6, revision: 0, chunks: []),
        .replicate(
            Replicate(
                map: 6, revision: 1, step: 200, chunk: 4, checksum: 3, state: .max, gradient: payload(1000))),
    ]

    static let reply: [ShardReply?] = [
        nil,
        .receipt(PushReceipt(map: 6, step: 200, block: block, chunk: 4, verdict: .stored)),
        .receipt(PushReceipt(map: 6, step: 200, block: block, chunk: 4, verdict: .damaged)),
        .weights(Weights(map: 6, version: 201, chunk: 3, weights: payload(64))),
        .state(map: 6, state: state),
        .replicated(map: 6, step: 200, chunk: 4, .stored), .replicated(map: 6, step: 200, chunk: 4, .damaged),
    ]

    static let operatorRequests: [OperatorRequest] = [.status, .drain("worker-3"), .drain(""), .stop]

    static let operatorReplies: [OperatorReply] = [
        .done("draining worker-3"), .refused("nobody is called worker-4"),
        .status(
            ClusterStatus(
                generation: 2, phase: "training", step: 7, steps: 100, map: 3, newestCheckpoint: 5,
                members: [
                    MemberStatus(
                        incarnation: 9, name: "a", host: "h", process: 12, threads: 2, state: "active", chunks: 31,
                        leases: [block, UnitBlock(first: 0, log2: 1)], unitsPerSecond: 1.25, silentSeconds: 0.5,
                        progress: progress, late: "silent for 4 s", metrics: "[::1]:9117")
                ], waitingFor: ["a: chunks 3 and 4", ""])),
    ]

    static let contentRequests = [
        ContentRequest(digest: [UInt8](0..<32), offset: 0, count: 1),
        ContentRequest(digest: [UInt8](repeating: 255, count: 32), offset: 1 << 40, count: ContentRequest.mostBytes),
    ]

    static let contentReplies: [ContentReply] = [
        // Bytes of a file, not of a tensor: of any number.
        .part(
            ContentRequest(digest: [UInt8](0..<32), offset: 7, count: 5),
            bytes: pool.payload(copying: [UInt8](1...5))),
        .refused(contentRequests[0], .absent), .refused(contentRequests[1], .unreadable),
        .refused(contentRequests[1], .busy),
    ]

    static let record = LedgerRecord(
        outcome: StepOutcome(
            step: 12, firstPosition: 1 << 41, clips: 64, loss: 1.25, correct: 12, gradientNorm: .infinity,
            gradientDigest: .max, rate: 0.01, coefficient: 1, skipped: true, substitutes: substitutes),
        generation: 2, map: 5, workers: 3, seconds: 1.5,
        reissues: [Reissue(block: block, worker: .max), Reissue(block: UnitBlock(first: 0, log2: 1), worker: 1)],
        computedWith: [Fingerprint(name: "numerics", value: "7"), Fingerprint(name: "versions", value: "a 1, b 2")])

    static func frame<Message>(_ message: Message?) -> Frame<Message> {
        Frame(sender: .max, receiver: 2, sequence: 3, received: 1 << 61, missing: true, session: 4, message: message)
    }
}
