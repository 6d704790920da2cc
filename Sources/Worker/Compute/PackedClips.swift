internal import Clips
internal import Faults
internal import Protocol
internal import Wire

extension DecodeAhead<DecodedClip> {
    /// Decodes the clips of a packed set, each thread with a loader of its own.
    /// - Parameter settings: Of the clip at a position.
    static func clips(
        of set: PackedSet, settings: @escaping @Sendable (UInt64) -> ClipSettings, seed: UInt64, threads: Int,
        capacity: Int, memory: PayloadPool
    ) -> DecodeAhead<DecodedClip> {
        DecodeAhead(threads: threads, capacity: capacity) {
            let loader = Confined(ClipLoader(set, settings(0), seed: seed))
            return { position in
                loader.value.settings = settings(position)
                return loader.value.decode(position, memory)
            }
        }
    }
}

extension ClipLoader {
    fileprivate func decode(_ position: UInt64, _ memory: PayloadPool) -> Result<DecodedClip, Fault> {
        let values = memory.payload(count: settings.clipFloats * MemoryLayout<Float>.stride)
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
