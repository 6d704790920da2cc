import CWire
import Faults

// The structs that worker and coordinator send each other: to their C form in an arena, and back with checks.

extension Hello {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Hello> {
        arena.make(zoetrope__hello__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.host = arena.string(host)
            $0.pointee.process = Int64(process)
            $0.pointee.threads = Int64(threads)
            $0.pointee.endpoint = arena.string(endpoint)
            $0.pointee.product = arena.string(product)
            $0.pointee.metrics = arena.string(metrics)
        }
    }

    /// The version travels in the frame, where every version finds it.
    init(_ message: Zoetrope__Hello, version: UInt32) throws(Fault) {
        self.init(
            version: Int(version), name: Checking.line(message.name), host: Checking.line(message.host),
            process: try Checking.number(message.process, "process"),
            threads: try Checking.number(message.threads, "threads"), endpoint: Checking.text(message.endpoint),
            product: Checking.line(message.product), metrics: Checking.line(message.metrics))
    }
}

extension Ready {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Ready> {
        arena.make(zoetrope__ready__init) {
            $0.pointee.n_fingerprints = fingerprints.count
            $0.pointee.fingerprints = arena.array(fingerprints.map { $0.message(arena) })
            $0.pointee.held_version = Int64(heldVersion)
            $0.pointee.n_held_chunks = heldChunks.count
            $0.pointee.held_chunks = arena.numbers(heldChunks)
            $0.pointee.n_kept_blocks = keptBlocks.count
            $0.pointee.kept_blocks = arena.array(keptBlocks.map { $0.message(arena) })
            $0.pointee.n_ledger_tail = ledgerTail.count
            $0.pointee.ledger_tail = arena.array(ledgerTail.map { $0.message(arena) })
        }
    }

    init(_ message: Zoetrope__Ready) throws(Fault) {
        let fingerprints = try Checking.list(message.fingerprints, message.n_fingerprints) { print throws(Fault) in
            Fingerprint(print)
        }
        self.init(
            fingerprints: fingerprints, heldVersion: try Checking.number(message.held_version, "version"),
            heldChunks: try Checking.numbers(message.held_chunks, message.n_held_chunks, "chunk"),
            keptBlocks: try Checking.list(message.kept_blocks, message.n_kept_blocks) { kept throws(Fault) in
                try KeptBlock(kept)
            },
            ledgerTail: try Checking.list(message.ledger_tail, message.n_ledger_tail) { record throws(Fault) in
                try LedgerRecord(record)
            })
    }
}

extension Fingerprint {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Fingerprint> {
        arena.make(zoetrope__fingerprint__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.value = arena.string(value)
        }
    }

    init(_ message: Zoetrope__Fingerprint) {
        self.init(name: Checking.line(message.name), value: Checking.line(message.value))
    }
}

extension KeptBlock {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__KeptBlock> {
        arena.make(zoetrope__kept_block__init) {
            $0.pointee.lease = lease
            $0.pointee.step = Int64(step)
            $0.pointee.block = arena.block(block)
            $0.pointee.n_records = records.count
            $0.pointee.records = arena.array(records.map { $0.message(arena) })
        }
    }

    init(_ message: Zoetrope__KeptBlock) throws(Fault) {
        self.init(
            lease: message.lease, step: try Checking.number(message.step, "step"),
            block: try Checking.block(message.block),
            records: try Checking.list(message.records, message.n_records) { record throws(Fault) in
                try UnitRecord(record)
            })
    }
}

extension Progress {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Progress> {
        arena.make(zoetrope__progress__init) {
            $0.pointee.step = Int64(step)
            $0.pointee.units = Int64(units)
            $0.pointee.decoded_ahead = Int64(decodedAhead)
            $0.pointee.resident_bytes = Int64(residentBytes)
            $0.pointee.time = time.message(arena)
            $0.pointee.decoding = decoding.bitPattern
            $0.pointee.bytes_sent = bytesSent
            $0.pointee.bytes_received = bytesReceived
            $0.pointee.activity = activity.rawValue
            $0.pointee.unreached = unreached
        }
    }

    init(_ message: Zoetrope__Progress) throws(Fault) {
        self.init(
            step: try Checking.number(message.step, "step"), units: try Checking.number(message.units, "units"),
            decodedAhead: try Checking.number(message.decoded_ahead, "clips"),
            residentBytes: try Checking.number(message.resident_bytes, "bytes"),
            // Processes of earlier releases do not say it.
            time: try message.time.map { time throws(Fault) in try TimeSplit(time.pointee) } ?? TimeSplit(),
            decoding: try Checking.seconds(message.decoding),
            bytesSent: try Checking.position(message.bytes_sent),
            bytesReceived: try Checking.position(message.bytes_received),
            activity: Activity(rawValue: message.activity) ?? .unknown, unreached: message.unreached)
    }
}

extension TimeSplit {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__TimeSplit> {
        arena.make(zoetrope__time_split__init) {
            $0.pointee.decode = decode.bitPattern
            $0.pointee.compute = compute.bitPattern
            $0.pointee.push = push.bitPattern
            $0.pointee.pull = pull.bitPattern
            $0.pointee.wait = wait.bitPattern
        }
    }

    init(_ message: Zoetrope__TimeSplit) throws(Fault) {
        self.init(
            decode: try Checking.seconds(message.decode), compute: try Checking.seconds(message.compute),
            push: try Checking.seconds(message.push), pull: try Checking.seconds(message.pull),
            wait: try Checking.seconds(message.wait))
    }
}

extension UnitRecord {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__UnitRecord> {
        arena.make(zoetrope__unit_record__init) {
            $0.pointee.unit = Int64(unit)
            $0.pointee.loss = loss.bitPattern
            $0.pointee.correct = Int64(correct)
            $0.pointee.n_substitutes = substitutes.count
            $0.pointee.substitutes = arena.substitutes(substitutes)
        }
    }

    init(_ message: Zoetrope__UnitRecord) throws(Fault) {
        let substitutes = try Checking.list(message.substitutes, message.n_substitutes, Checking.substitute)
        self.init(
            unit: try Checking.number(message.unit, "unit"), loss: Double(bitPattern: message.loss),
            correct: try Checking.number(message.correct, "clips"), substitutes: substitutes)
    }
}

extension ReadyChunk {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__ReadyChunk> {
        arena.make(zoetrope__ready_chunk__init) {
            $0.pointee.chunk = Int64(chunk)
            $0.pointee.sum_of_squares = sumOfSquares.bitPattern
            $0.pointee.finite = finite ? 1 : 0
            $0.pointee.digest = digest
        }
    }

    init(_ message: Zoetrope__ReadyChunk) throws(Fault) {
        self.init(
            chunk: try Checking.number(message.chunk, "chunk"),
            sumOfSquares: Double(bitPattern: message.sum_of_squares),
            finite: message.finite != 0, digest: message.digest)
    }
}

extension Alarm {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Alarm> {
        arena.make(zoetrope__alarm__init) {
            $0.pointee.map = Int64(map)
            $0.pointee.step = Int64(step)
            $0.pointee.block = arena.block(block)
            $0.pointee.chunk = Int64(chunk)
            $0.pointee.first = first
            $0.pointee.second = second
        }
    }

    init(_ message: Zoetrope__Alarm) throws(Fault) {
        self.init(
            map: try Checking.mapNumber(message.map), step: try Checking.number(message.step, "step"),
            block: try Checking.block(message.block), chunk: try Checking.number(message.chunk, "chunk"),
            first: message.first, second: message.second)
    }
}

extension Divergence {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Divergence> {
        arena.make(zoetrope__divergence__init) {
            $0.pointee.map = Int64(map)
            $0.pointee.version = Int64(version)
            $0.pointee.chunk = Int64(chunk)
            $0.pointee.owner = owner
            $0.pointee.buddy = buddy
        }
    }

    init(_ message: Zoetrope__Divergence) throws(Fault) {
        self.init(
            map: try Checking.mapNumber(message.map), version: try Checking.number(message.version, "version"),
            chunk: try Checking.number(message.chunk, "chunk"), owner: message.owner, buddy: message.buddy)
    }
}

extension Welcome {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Welcome> {
        arena.make(zoetrope__welcome__init) {
            $0.pointee.generation = generation
            $0.pointee.run = run
            $0.pointee.recipe = arena.string(recipe)
            $0.pointee.data = arena.string(data)
            $0.pointee.instruction_set = arena.string(instructionSet)
            $0.pointee.data_set = arena.string(dataSet)
            $0.pointee.manifest_bytes = Int64(manifestBytes)
        }
    }

    init(_ message: Zoetrope__Welcome) throws(Fault) {
        self.init(
            generation: message.generation, run: message.run, recipe: Checking.text(message.recipe),
            data: Checking.text(message.data), instructionSet: Checking.text(message.instruction_set),
            dataSet: Checking.text(message.data_set),
            manifestBytes: try Checking.number(message.manifest_bytes, "bytes"))
    }
}

extension Commit {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Zoetrope__Commit> {
        arena.make(zoetrope__commit__init) {
            $0.pointee.map = Int64(map)
            $0.pointee.step = Int64(step)
            $0.pointee.rate = rate.bitPattern
            $0.pointee.coefficient = coefficient.bitPattern
            $0.pointee.skipped = skipped ? 1 : 0
            $0.pointee.last = last ? 1 : 0
            $0.pointee.record = record?.message(arena)
            $0.pointee.checkpoint = Int64(checkpoint)
        }
    }

    init(_ message: Zoetrope__Commit) throws(Fault) {
        self.init(
            map: try Checking.mapNumber(message.map), step: try Checking.number(message.step, "step"),
            rate: Float(bitPattern: message.rate), coefficient: Float(bitPattern: message.coefficient),
            skipped: message.skipped != 0, last: message.last != 0,
            record: try message.record.map { record throws(Fault) in try LedgerRecord(record.pointee) },
            checkpoint: try Checking.number(message.checkpoint, "version"))
    }
}
