import Glibc
import Synchronization

/// Whether stderr is a terminal, so that lines may redraw themselves.
public func standardErrorIsTerminal() -> Bool { isatty(2) == 1 }

/// Writes a notice to stderr: at once, or as soon as stderr takes it where `detachStandardError()` was called. What stderr
/// cannot take is not worth stopping for.
public func standardError(_ text: String) { say(text, isProgress: false) }

/// Writes to stderr what the next of its kind makes stale.
public func standardProgress(_ text: String) { say(text, isProgress: true) }

/// From now on nobody in this process waits for stderr, for processes that others wait for: were a coordinator held by a
/// stopped terminal, its workers would take it for dead.
///
/// What is written has its order and, in bounded memory, waits: of progress only the newest, of notices a megabyte, and
/// then how many lines are missing. When the process exits (`exit`, or the end of `main`) what waits is written first,
/// but stderr is not waited for longer than five seconds.
public func detachStandardError() {
    let isFirst = detached.withLock { console in
        guard console == nil else { return false }
        console = Console(write: writeToStandardError)
        return true
    }
    if isFirst { atexit { flushStandardError() } }
}

/// From now on whoever writes waits for stderr again: for lists at the end, of which no line is to be missing, when nobody
/// waits for this process any more. Where stderr takes nothing for five seconds, all stays as it is. Nothing happens where
/// it was not detached.
public func attachStandardError() {
    detached.withLock { console in if console?.flush(within: 5) == true { console = nil } }
}

/// Waits until what was said is written, for five seconds at most: before what must stand behind it, and before `_exit`.
public func flushStandardError() { detached.withLock { $0 }?.flush(within: 5) }

/// The console of a process that does not wait for stderr.
private let detached = Mutex<Console?>(nil)

private func say(_ text: String, isProgress: Bool) {
    // Under the lock: what came behind `attachStandardError` would be written by a thread that nobody waits for.
    let isTaken = detached.withLock { console in
        console?.say(text, isProgress: isProgress)
        return console != nil
    }
    if !isTaken { writeToStandardError(text) }
}

private func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while let base = rest.baseAddress, !rest.isEmpty {
            let written = write(2, base, rest.count)
            if written > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            } else if written < 0, errno == EAGAIN {
                // Somebody who shares it has made it non-blocking.
                var polled = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
                poll(&polled, 1, -1)
            } else if written == 0 || errno != EINTR {
                return
            }
        }
    }
}
