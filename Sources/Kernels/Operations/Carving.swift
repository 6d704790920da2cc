/// Cuts typed, 64-byte aligned pieces out of scratch memory, or only measures what they would take.
struct Carving {
    private let base: UnsafeMutableRawPointer
    private var bytes = 0

    init(_ scratch: UnsafeMutablePointer<Float>) { base = UnsafeMutableRawPointer(scratch) }

    private init(base: UnsafeMutableRawPointer) { self.base = base }

    /// One that hands out pieces nobody may touch.
    static var measuring: Carving { Carving(base: UnsafeMutableRawPointer(bitPattern: 64)!) }

    /// What has been taken.
    var floats: Int { bytes / MemoryLayout<Float>.stride }

    /// What follows the pieces taken so far.
    var rest: UnsafeMutablePointer<Float> { (base + bytes).assumingMemoryBound(to: Float.self) }

    /// A piece that holds `count` elements.
    mutating func take<Element: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<Element> {
        let piece = (base + bytes).bindMemory(to: Element.self, capacity: count)
        bytes += (count * MemoryLayout<Element>.stride + 63) / 64 * 64
        return piece
    }

    /// The floats that a piece of `count` floats takes.
    static func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    /// At least `count` floats: an odd number of cache lines, so that things so far apart do not fall into the same few
    /// sets of a cache.
    static func odd(_ count: Int) -> Int { ((count + 15) / 16 | 1) * 16 }
}
