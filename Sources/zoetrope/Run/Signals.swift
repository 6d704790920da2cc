import Dispatch
import Glibc
import Synchronization

/// Lets the signals that mean something here through, whatever whoever started this process had blocked: a process
/// inherits that, and a second SIGINT would do nothing.
func unblockSignals() {
    var numbers = sigset_t()
    sigemptyset(&numbers)
    for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&numbers, number) }
    pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
}

/// Calls `body` when one of `numbers` arrives, the first time; the second time the signal does what it always does.
func onSignals(_ numbers: [Int32], _ body: @escaping @Sendable () -> Void) {
    for number in numbers {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            signal(number, SIG_DFL)
            body()
        }
        beginHeeding(source)
    }
}

/// Calls `body` when this process is asked to stop, with the signal, one of those that mean that.
///
/// A second one ends it at once, but not under a tender: a scheduler that ends a job sends its signal to every process of it,
/// and the launch, which has it too, sends it on. Whoever is in earnest has the tender kill.
func onStop(isTended: Bool, _ body: @escaping @Sendable (Int32) -> Void) {
    let numbers = [SIGTERM, SIGINT, SIGUSR1]
    guard !isTended else { return onEverySignal(numbers) { number, _ in body(number) } }
    for number in numbers { onSignals([number]) { body(number) } }
}

/// Returns when the source sees its signal: one that came before would be lost, or end the process, unheard. From then on it
/// lives as long as the process.
private func beginHeeding(_ source: any DispatchSourceSignal) {
    let isRegistered = DispatchSemaphore(value: 0)
    source.setRegistrationHandler { isRegistered.signal() }
    source.resume()
    isRegistered.wait()
    _ = Unmanaged.passRetained(source as AnyObject)
}

/// Calls `body` whenever one of `numbers` arrives, with how many of that number there have been.
func onEverySignal(_ numbers: [Int32], _ body: @escaping @Sendable (Int32, Int) -> Void) {
    let queue = DispatchQueue(label: "signals")
    for number in numbers {
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        let count = Mutex(0)
        source.setEventHandler {
            let total = count.withLock { count in
                // Several may have come between two calls.
                count += Int(source.data)
                return count
            }
            body(number, total)
        }
        beginHeeding(source)
    }
}
