internal import Clips
internal import Faults
internal import Protocol
internal import Wire

extension DecodeAhead<DecodedClip> {
    /// Decodes the clips of a packed set, each thread with a loader of its own.
    static func clips(
        of set: PackedSet, settings: ClipSettings, seed: UInt64, threads: Int, capacity: Int, memory: PayloadPool
    ) -> DecodeAhead<DecodedClip> {
        DecodeAhead(threads: threads, capacity: capacity) {
            let loader = Confined(ClipLoader(set, settings, seed: seed))
            return { position in loader.value.decode(position, floats: settings.clipFloats, memory) }
        }
    }
}

extension ClipLoader {
    fileprivate func decode(_ position: UInt64, floats: Int, _ memory: PayloadPool) -> Result<DecodedClip, Fault> {
        let values = memory.payload(count: floats * MemoryLayout<Float>.stride)
        do {
            let clip = try load(position: position, into: values.bytes.bindMemory(to: Float.self))
            let substitute = clip.substitution.map {
                Substitute(
                    position: $0.position, wanted: $0.wantedRank, used: $0.usedRank, reason: "\($0.name): \($0.reason)")
            }
            return .success(DecodedClip(values: values, label: clip.label, substitute: substitute))
        } catch let fault as Fault {
            return .failure(fault)
        } catch {
            return .failure(Fault(.internal, "position \(position)", "\(error)"))
        }
    }
}
