import CWire
public import Faults

extension LedgerRecord {
    /// The record's bytes, for the log.
    public var encoded: [UInt8] {
        let arena = Arena()
        let message = message(arena)
        return withExtendedLifetime(arena) {
            [UInt8](unsafeUninitializedCapacity: zoetrope__ledger_record__get_packed_size(message)) { buffer, count in
                count = zoetrope__ledger_record__pack(message, buffer.baseAddress)
            }
        }
    }

    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__LedgerRecord> {
        arena.make(zoetrope__ledger_record__init) {
            $0.pointee.step = Int64(outcome.step)
            $0.pointee.first_position = outcome.firstPosition
            $0.pointee.clips = Int64(outcome.clips)
            $0.pointee.loss = outcome.loss.bitPattern
            $0.pointee.correct = Int64(outcome.correct)
            $0.pointee.gradient_norm = outcome.gradientNorm.bitPattern
            $0.pointee.gradient_digest = outcome.gradientDigest
            $0.pointee.rate = outcome.rate.bitPattern
            $0.pointee.coefficient = outcome.coefficient.bitPattern
            $0.pointee.skipped = outcome.skipped ? 1 : 0
            $0.pointee.n_substitutes = outcome.substitutes.count
            $0.pointee.substitutes = arena.substitutes(outcome.substitutes)
            $0.pointee.generation = generation
            $0.pointee.map = Int64(map)
            $0.pointee.workers = Int64(workers)
            $0.pointee.seconds = seconds.bitPattern
            $0.pointee.n_reissues = reissues.count
            $0.pointee.reissues = arena.array(
                reissues.map { reissue in
                    arena.make(zoetrope__reissue__init) {
                        $0.pointee.block = arena.block(reissue.block)
                        $0.pointee.worker = reissue.worker
                    }
                })
            $0.pointee.n_computed_with = computedWith.count
            $0.pointee.computed_with = arena.array(computedWith.map { $0.message(arena) })
        }
    }

    /// - Throws: `Fault.data` for bytes that are no record.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(Fault) {
        let memory = BoundedMemory(for: bytes.count)
        let result: Result<LedgerRecord, Fault> = memory.withAllocator { allocator in
            let bytes = bytes.bindMemory(to: UInt8.self)
            guard let message = zoetrope__ledger_record__unpack(allocator, bytes.count, bytes.baseAddress) else {
                return .failure(Fault(.data, "ledger", "a record is not one of ours"))
            }
            defer { zoetrope__ledger_record__free_unpacked(message, allocator) }
            do throws(Fault) { return .success(try LedgerRecord(message.pointee)) } catch { return .failure(error) }
        }
        self = try result.get()
    }

    init(_ message: Zoetrope__LedgerRecord) throws(Fault) {
        let substitutes = try Checking.list(message.substitutes, message.n_substitutes, Checking.substitute)
        self.init(
            outcome: StepOutcome(
                step: try Checking.number(message.step, "step"),
                firstPosition: try Checking.position(message.first_position),
                clips: try Checking.number(message.clips, "clips"), loss: Double(bitPattern: message.loss),
                correct: try Checking.number(message.correct, "clips"),
                gradientNorm: Double(bitPattern: message.gradient_norm),
                gradientDigest: message.gradient_digest, rate: Float(bitPattern: message.rate),
                coefficient: Float(bitPattern: message.coefficient),
                skipped: message.skipped != 0, substitutes: substitutes),
            generation: message.generation, map: try Checking.mapNumber(message.map),
            workers: try Checking.number(message.workers, "workers"), seconds: Double(bitPattern: message.seconds),
            reissues: try Checking.list(message.reissues, message.n_reissues) { reissue throws(Fault) in
                Reissue(block: try Checking.block(reissue.block), worker: reissue.worker)
            },
            computedWith: try Checking.list(message.computed_with, message.n_computed_with) { print throws(Fault) in
                Fingerprint(print)
            })
    }
}
