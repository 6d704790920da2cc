import Glibc

/// Seconds since 1970 by this machine's clock, which somebody may set.
public func wallClock() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
