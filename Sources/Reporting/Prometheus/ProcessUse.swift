import Glibc

/// What this process uses of its machine, under the names that Prometheus' own clients give it.
public struct ProcessUse: Sendable, Equatable {
    public var cpuSeconds: Double
    public var residentBytes: Int
    public var openFiles: Int
    public var mostOpenFiles: Int

    public init(cpuSeconds: Double, residentBytes: Int, openFiles: Int, mostOpenFiles: Int) {
        self.cpuSeconds = cpuSeconds
        self.residentBytes = residentBytes
        self.openFiles = openFiles
        self.mostOpenFiles = mostOpenFiles
    }

    /// Now. What the system does not tell is 0.
    public static func now() -> ProcessUse {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return ProcessUse(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), residentBytes: residentMemory(),
            openFiles: openFileCount(), mostOpenFiles: Int(clamping: limit.rlim_cur))
    }

    func add(to text: inout PrometheusText) {
        text.add("process_cpu_seconds_total", .counter, "Of all threads, user and system.", [.init(cpuSeconds)])
        text.add("process_resident_memory_bytes", .gauge, "Memory that the process has.", residentBytes)
        text.add("process_open_fds", .gauge, "Files and sockets that are open.", openFiles)
        text.add("process_max_fds", .gauge, "Files and sockets that may be.", mostOpenFiles)
    }
}

/// Bytes of memory that this process has, by statm of proc(5); 0 where the system does not tell.
public func residentMemory() -> Int {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(file, &text, text.count)
    guard count > 0 else { return 0 }
    let words = text[..<count].split(separator: UInt8(ascii: " "))
    guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}

private func openFileCount() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
        if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
    }
    // The folder itself was open while we looked.
    return max(0, count - 1)
}
