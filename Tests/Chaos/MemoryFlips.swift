import Foundation
import Glibc

/// Bits that turn in the memory of a process, as those of a failing module do.
struct MemoryFlips {
    /// A part of a process's memory that is its own: heap, arenas, stacks.
    private struct Region {
        let start: UInt64
        let bytes: Int
    }

    private let pid: pid_t

    init(of pid: pid_t) { self.pid = pid }

    /// Turns the highest bit of the fraction in so many numbers of the process, which is to be stopped meanwhile.
    ///
    /// Numbers are words that stand among others with the magnitudes of weights, gradients or pixels: whoever turned pointers
    /// as well would only see a process die, which other cases do.
    /// - Returns: How many were turned; fewer than asked for where few words look like numbers.
    /// - Throws: `ChaosFault` where the system does not let this process write there.
    func turn(_ count: Int, _ dice: inout Dice) throws -> Int {
        let regions = try regions()
        let memory = open("/proc/\(pid)/mem", O_RDWR)
        guard memory >= 0 else { throw refused("open") }
        defer { close(memory) }
        var turned = 0
        for _ in 0..<400 * count where turned < count {
            guard let address = Self.place(in: regions, &dice) else { break }
            // Sixteen numbers side by side, or none is touched.
            var words = [UInt32](repeating: 0, count: 16)
            guard pread(memory, &words, 64, address) == 64, words.allSatisfy(Self.looksLikeANumber) else { continue }
            words[dice.below(16)] ^= 1 << 22
            guard pwrite(memory, words, 64, address) == 64 else { throw refused("write") }
            turned += 1
        }
        return turned
    }

    /// Anywhere, at a multiple of 64 bytes.
    private static func place(in regions: [Region], _ dice: inout Dice) -> off_t? {
        let total = regions.reduce(0) { $0 + $1.bytes }
        guard total >= 64 else { return nil }
        var place = dice.below(total / 64) * 64
        for region in regions {
            if place < region.bytes { return off_t(region.start) + off_t(place) }
            place -= region.bytes
        }
        return nil
    }

    /// Pages that never were written read as zeros, and those of text or pointers as other magnitudes.
    private static func looksLikeANumber(_ word: UInt32) -> Bool {
        let magnitude = abs(Float(bitPattern: word))
        return magnitude > 1e-8 && magnitude < 100
    }

    /// What is readable, writable, private and of no file.
    private func regions() throws -> [Region] {
        let text = try String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            // proc(5): address, permissions, offset, device, inode, path.
            let fields = line.split(separator: " ")
            guard fields.count >= 5, fields[1] == "rw-p", fields[4] == "0", fields.count == 5 || fields[5] == "[heap]"
            else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return Region(start: ends[0], bytes: Int(ends[1] - ends[0]))
        }
    }

    private func refused(_ what: String) -> ChaosFault {
        ChaosFault("/proc/\(pid)/mem: \(what): \(String(cString: strerror(errno)))")
    }
}
